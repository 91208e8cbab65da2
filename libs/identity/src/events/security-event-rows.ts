import { Injectable } from '@nestjs/common';
import { accountId, sessionId, type AccountId, type SessionId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { hourOf, subjectOf, type SecurityEventKind } from '../domain/security-event.js';

/** Events are kept for so long. */
export const KEPT_DAYS = 180;

/** Events of one kind, subject and hour, as they are kept: the address as its pseudonym. */
export interface SecurityEventRow {
  readonly kind: string;
  readonly hourAt: Date;
  readonly subject: string;
  readonly accountId: AccountId | null;
  readonly sessionId: SessionId | null;
  readonly addressHash: Buffer | null;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

interface Row {
  kind: string;
  hour: Date;
  subject: string;
  account_id: number | null;
  session_id: string | null;
  address_hash: Buffer | null;
  count: number;
  first_at: Date;
  last_at: Date;
}

// Rows are locked in the order of their keys in every process, so that none waits for another in a circle.
const ADD: Statement = {
  name: 'add-security-events',
  text: `
    insert into edgechat.security_events as e (kind, hour, subject, account_id, session_id, address_hash, count, first_at, last_at)
    select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[], $5::uuid[], $6::bytea[], $7::bigint[], $8::timestamptz[], $9::timestamptz[])
      as b (kind, hour, subject, account_id, session_id, address_hash, count, first_at, last_at)
    order by b.kind collate "C", b.hour, b.subject collate "C"
    on conflict (kind, hour, subject) do update set
      count = e.count + excluded.count,
      first_at = least(e.first_at, excluded.first_at),
      last_at = greatest(e.last_at, excluded.last_at),
      session_id = coalesce(excluded.session_id, e.session_id),
      address_hash = coalesce(excluded.address_hash, e.address_hash)`,
};

const REMOVE_OLD: Statement = {
  name: 'remove-old-security-events',
  text: `
    delete from edgechat.security_events where ctid = any (array(
      select ctid from edgechat.security_events where hour < statement_timestamp() - interval '${KEPT_DAYS} days' order by hour limit $1::int for update skip locked))
    returning 1 as gone`,
};

const COLUMNS = 'kind, hour, subject, account_id, session_id, address_hash, count, first_at, last_at';
const NEWEST_FIRST = `hour > statement_timestamp() - make_interval(days => $1::int) and (hour, last_at, kind, subject) < ($2::timestamptz, $3::timestamptz, $4::text, $5::text)`;
const ORDER = 'order by hour desc, last_at desc, kind desc, subject desc limit $6::int';
const LIST: Statement = {
  name: 'list-security-events',
  text: `select ${COLUMNS} from edgechat.security_events where ${NEWEST_FIRST} ${ORDER}`,
};
const LIST_OF_ACCOUNT: Statement = {
  name: 'list-security-events-of-account',
  text: `select ${COLUMNS} from edgechat.security_events where account_id = $7::bigint and ${NEWEST_FIRST} ${ORDER}`,
};

/** Where the next page begins. */
type Position = Pick<SecurityEventRow, 'hourAt' | 'lastAt' | 'kind' | 'subject'>;

const NEWEST: Position = { hourAt: new Date('9999-01-01'), lastAt: new Date('9999-01-01'), kind: '', subject: '' };

/** The security events in PostgreSQL. Every method @throws Unavailable `postgres`. */
@Injectable()
export class SecurityEventRows {
  constructor(private readonly postgres: Postgres) {}

  /** True once PostgreSQL was reached. */
  get isReady(): boolean {
    return this.postgres.hasStarted;
  }

  /** Adds to the rows that are there, in one statement. @param rows no two of the same kind, hour and subject */
  async add(rows: readonly SecurityEventRow[]): Promise<void> {
    await this.postgres.query(ADD, [
      rows.map(({ kind }) => kind),
      rows.map(({ hourAt }) => hourAt),
      rows.map(({ subject }) => subject),
      rows.map((row) => row.accountId),
      rows.map((row) => row.sessionId),
      rows.map(({ addressHash }) => addressHash),
      rows.map(({ count }) => count),
      rows.map(({ firstAt }) => firstAt),
      rows.map(({ lastAt }) => lastAt),
    ]);
  }

  /** Adds what an operator did to an account just now, from no address and in no session. */
  async addOfOperator(kind: SecurityEventKind, account: AccountId): Promise<void> {
    const now = new Date();
    const [hourAt, subject] = [new Date(hourOf(now.getTime())), subjectOf({ kind, accountId: account })];
    const nobody = { sessionId: null, addressHash: null };
    await this.add([{ kind, hourAt, subject, accountId: account, ...nobody, count: 1, firstAt: now, lastAt: now }]);
  }

  /** Removes rows of more than 180 days ago, the oldest first; returns how many, at most `max`. Those that another process removes just now are left to it. */
  async removeOld(max: number): Promise<number> {
    return (await this.postgres.query(REMOVE_OLD, [max])).length;
  }

  /** Rows of the last days, newest first: those after a row of the page before, at most `max`; of one account, or of all. */
  async list(
    of: { readonly account: AccountId | null; readonly days: number },
    after: Position | null,
    max: number,
  ): Promise<SecurityEventRow[]> {
    const { hourAt, lastAt, kind, subject } = after ?? NEWEST;
    const values = [of.days, hourAt, lastAt, kind, subject, max];
    const rows =
      of.account === null
        ? await this.postgres.query<Row>(LIST, values)
        : await this.postgres.query<Row>(LIST_OF_ACCOUNT, [...values, of.account]);
    return rows.map(asEventRow);
  }
}

function asEventRow(row: Row): SecurityEventRow {
  return {
    kind: row.kind,
    hourAt: row.hour,
    subject: row.subject,
    accountId: row.account_id === null ? null : accountId(row.account_id),
    sessionId: sessionId(row.session_id),
    addressHash: row.address_hash,
    count: row.count,
    firstAt: row.first_at,
    lastAt: row.last_at,
  };
}
