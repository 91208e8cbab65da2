import { Injectable } from '@nestjs/common';
import { Unavailable, type AccountId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { Bucket } from './request-batch.js';

/** Requests made with a valid access token, whatever was answered. */
export interface RequestUsage {
  readonly total: number;
  readonly last24h: number;
  readonly last7d: number;
}

const TRANSACTION_ID: Statement = { name: 'meter-transaction-id', text: 'select pg_current_xact_id()::text as xid' };
// A server restored from before that transaction does not know its id, and would refuse to tell about it.
const TRANSACTION_FATE: Statement = {
  name: 'meter-transaction-fate',
  text: `select case when $1::text::xid8 < pg_snapshot_xmax(pg_current_snapshot()) then pg_xact_status($1::text::xid8) end as fate`,
};

// Rows are locked in the order of the arrays in every process. Buckets that no window needs any more go in passing, of the accounts at hand only.
const ADD: Statement = {
  name: 'add-request-counts',
  text: `
    with batch as (
      select * from unnest($1::bigint[], $2::float8[], $3::int[]) with ordinality as b (account_id, minute_s, requests, place)
    ), counted as (
      insert into edgechat.request_counts as c (account_id, minute, requests)
      select account_id, to_timestamp(minute_s), requests from batch order by place
      on conflict (account_id, minute) do update set requests = c.requests + excluded.requests
    ), totalled as (
      insert into edgechat.request_totals as t (account_id, total)
      select account_id, sum(requests) from batch group by account_id order by account_id
      on conflict (account_id) do update set total = t.total + excluded.total
    )
    delete from edgechat.request_counts where account_id = any($1::bigint[]) and minute < clock_timestamp() - interval '8 days'`,
};

// The bucket in which a window begins counts while its first second is inside: exact to one minute.
const USAGE: Statement = {
  name: 'request-usage',
  text: `
    with clock as (select clock_timestamp() as now)
    select coalesce((select total from edgechat.request_totals where account_id = $1::bigint), 0)::bigint as total,
      coalesce(sum(requests) filter (where minute >= now - interval '24 hours'), 0)::bigint as last_24h,
      coalesce(sum(requests), 0)::bigint as last_7d
    from clock left join edgechat.request_counts on account_id = $1::bigint and minute >= now - interval '7 days'`,
};

/** Request counts in PostgreSQL: a total per account, and a bucket per account and minute for 8 days. */
@Injectable()
export class RequestCounts {
  constructor(private readonly postgres: Postgres) {}

  /**
   * Adds a batch, all or nothing. `begun` gets the transaction's id before anything is written: if this rejects, `isCommitted` tells whether it was written all the same.
   * @throws Unavailable `postgres`
   */
  async add(buckets: readonly Bucket[], begun: (xid: string) => void): Promise<void> {
    const columns = [
      buckets.map((b) => b.accountId),
      buckets.map((b) => b.minuteMs / 1_000),
      buckets.map((b) => b.requests),
    ];
    await this.postgres.transaction(async (sql) => {
      const [row] = await sql.query<{ xid: string }>(TRANSACTION_ID);
      if (row) begun(row.xid);
      await sql.query(ADD, columns);
    });
  }

  /** True when a transaction of `add` was committed. @throws Unavailable `postgres`, also while it is still under way: ask again */
  async isCommitted(xid: string): Promise<boolean> {
    const [row] = await this.postgres.query<{ fate: 'committed' | 'aborted' | 'in progress' | null }>(
      TRANSACTION_FATE,
      [xid],
    );
    if (row?.fate === 'in progress') throw new Unavailable('postgres');
    return row?.fate === 'committed';
  }

  /** How many requests an account made, at most 1 s late; windows are exact to one minute. @throws Unavailable `postgres` */
  async getRequestUsage(accountId: AccountId): Promise<RequestUsage> {
    const [row] = await this.postgres.query<{ total: number; last_24h: number; last_7d: number }>(USAGE, [accountId]);
    return { total: row?.total ?? 0, last24h: row?.last_24h ?? 0, last7d: row?.last_7d ?? 0 };
  }
}
