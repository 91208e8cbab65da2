import { Injectable } from '@nestjs/common';
import type { AccountId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { Use, UseRow } from './use-batch.js';

/** Days before this many are thrown away in passing. */
const KEPT_DAYS = 7;

// Rows are locked in the order of the arrays in every process. Days that nobody asks for any more go in passing, of the accounts at hand only; who else writes them is not waited for.
const ADD: Statement = {
  name: 'usage.add_daily_use',
  text: `
    with batch as (
      select * from unnest($1::bigint[], $2::date[], $3::bigint[], $4::bigint[]) with ordinality as b (account_id, day, text_bytes, tokens, place)
    ), gone as (
      delete from edgechat.daily_use where ctid = any (array(
        select t.ctid from edgechat.daily_use t where t.account_id = any ($1::bigint[]) and t.day < $5::date - ${KEPT_DAYS} for update skip locked))
    )
    insert into edgechat.daily_use as t (account_id, day, text_bytes, tokens)
    select account_id, day, text_bytes, tokens from batch order by place
    on conflict (account_id, day) do update set text_bytes = t.text_bytes + excluded.text_bytes, tokens = t.tokens + excluded.tokens`,
};

const FIND: Statement = {
  name: 'usage.find_daily_use',
  text: 'select text_bytes, tokens, retry_after_s from edgechat.find_daily_use($1, $2, $3, $4)',
};

/** What accounts used by day (UTC), in PostgreSQL. */
@Injectable()
export class DailyUses {
  constructor(private readonly postgres: Postgres) {}

  /** Adds to what was used, all or nothing, in one round trip. @param rows in the order of account and day @throws Unavailable `postgres`: its fate is then unknown */
  async add(rows: readonly UseRow[], today: string): Promise<void> {
    await this.postgres.query(ADD, [
      rows.map(({ accountId }) => accountId),
      rows.map(({ day }) => day),
      rows.map(({ textBytes }) => textBytes),
      rows.map(({ tokens }) => tokens),
      today,
    ]);
  }

  /**
   * What an account used on a day, or null when there is no such account. `retryAfterS` tells, in seconds, when it may ask for an answer again if that and `pendingTokens` are all of
   * its tokens; null while they are not, or `tokenLimit` is null.
   * @throws Unavailable `postgres`
   */
  async findUse(
    accountId: AccountId,
    day: string,
    pendingTokens: number,
    tokenLimit: number | null,
  ): Promise<(Use & { readonly retryAfterS: number | null }) | null> {
    const [row] = await this.postgres.query<{ text_bytes: number; tokens: number; retry_after_s: number | null }>(
      FIND,
      [accountId, day, pendingTokens, tokenLimit],
    );
    return row ? { textBytes: row.text_bytes, tokens: row.tokens, retryAfterS: row.retry_after_s } : null;
  }
}
