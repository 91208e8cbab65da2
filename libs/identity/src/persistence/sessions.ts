import { Injectable } from '@nestjs/common';
import { accountId, limitOrNull, sessionId, type AccountId, type SessionId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { SESSIONS_MAX, type OpenSession, type RegisteredAccount } from '../domain/account.js';
import type { SessionState } from '../domain/rotation.js';

/** From an address that an account logged in from during this time, strangers' guesses do not count against it. */
export const KNOWN_ADDRESS_DAYS = 30;
const ADDRESSES_PER_ACCOUNT = 100;
/** Access tokens last a day at most. (The instant is of the statement: an index is not asked with a clock that goes on.) */
const TOKENS_ENDED_AT = "statement_timestamp() - interval '2 days'";
const SWEPT_AT_ONCE = 100;

/** A session about to begin. */
export interface NewSession {
  readonly id: SessionId;
  readonly generation: number;
  readonly tokenHash: Buffer;
  readonly lifeDays: number;
  readonly addressHash: Buffer;
}

/** What a refresh changed, and whose session it is. */
export interface RotatedSession extends RegisteredAccount {
  /** Of the refresh token that works now. */
  readonly tokenHash: Buffer;
  readonly expiresAt: Date;
}

interface OwnerRow {
  account_id: number;
  registered_at: Date;
}

interface RotatedRow extends OwnerRow {
  token_hash: Buffer;
  expires_at: Date;
}

interface SessionRow extends RotatedRow {
  generation: number;
  previous_hash: Buffer | null;
  is_unused: boolean;
  rotated_at: Date;
  revoked_at: Date | null;
  now: Date;
}

interface OpenSessionRow {
  id: string;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

/** When a session ends unless it is refreshed: never later than SESSION_MAX_DAYS after its login, whatever was written when that was longer. `days` is the parameter with it, or with null for no limit. */
const endsAt = (days: string): string => `least(expires_at, created_at + make_interval(days => ${days}::int))`;

/** The account of a session, as `OwnerRow` has it. */
const OWNER =
  'account_id, (select a.created_at from edgechat.accounts a where a.id = sessions.account_id) as registered_at';

// The lock makes a login exclude a change of the password, and `admin lock-account`: whichever comes second sees the first. And logins of one account come one after another, so that each counts the sessions of all before it.
// (Rows are found by `any (array(…))`: with `in` the planner may walk through the sessions of all accounts when it takes one for larger than it is.)
// In passing it removes some of the account's sessions that ended long enough ago for their access tokens to have ended too, more than logins add, and addresses beyond the newest 100.
const OPEN: Statement = {
  name: 'open-session',
  text: `
    with account as (
      select id from edgechat.accounts where id = $1::bigint and password_hash = $2::text and locked_at is null for no key update
    ), session as (
      insert into edgechat.sessions (id, account_id, generation, unused_generation, token_hash, rotated_at, expires_at)
      select $3::uuid, id, $4::int, $4::int, $5::bytea, clock_timestamp(), clock_timestamp() + make_interval(days => $6::int) from account
    ), address as (
      insert into edgechat.login_addresses (account_id, address_hash, last_login_at) select id, $7::bytea, clock_timestamp() from account
      on conflict (account_id, address_hash) do update set last_login_at = excluded.last_login_at
    ), forgotten as (
      delete from edgechat.login_addresses where account_id = $1::bigint and address_hash in (
        select address_hash from edgechat.login_addresses where account_id = $1::bigint and address_hash <> $7::bytea
        order by last_login_at desc offset ${ADDRESSES_PER_ACCOUNT - 1})
    ), swept as (
      delete from edgechat.sessions where id = any (array(
        select id from edgechat.sessions where account_id = $1::bigint and revoked_at < ${TOKENS_ENDED_AT} order by revoked_at limit ${SWEPT_AT_ONCE}))
    ), expired as (
      delete from edgechat.sessions where id = any (array(
        select id from edgechat.sessions where account_id = $1::bigint and revoked_at is null and expires_at < ${TOKENS_ENDED_AT} limit ${SWEPT_AT_ONCE}))
    )
    select id from account`,
};

/** Ends the sessions used least recently, so that `SESSIONS_MAX` are left together with the one that just began. */
const END_EXCESS: Statement = {
  name: 'end-excess-sessions',
  text: `
    update edgechat.sessions set revoked_at = clock_timestamp()
    where revoked_at is null and id = any (array(
      select id from edgechat.sessions
      where account_id = $1::bigint and id <> $2::uuid and revoked_at is null and ${endsAt('$3')} > clock_timestamp()
      order by greatest(rotated_at, used_at) desc, id desc offset ${SESSIONS_MAX - 1}))
    returning id`,
};

/** Begins a session of an account whose row the transaction has locked, and notes its address. */
export const BEGIN_SESSION: Statement = {
  name: 'begin-session',
  text: `
    with address as (
      insert into edgechat.login_addresses (account_id, address_hash, last_login_at) values ($1::bigint, $6::bytea, clock_timestamp())
      on conflict (account_id, address_hash) do update set last_login_at = excluded.last_login_at
    )
    insert into edgechat.sessions (id, account_id, generation, unused_generation, token_hash, rotated_at, expires_at)
    values ($2::uuid, $1::bigint, $3::int, $3::int, $4::bytea, clock_timestamp(), clock_timestamp() + make_interval(days => $5::int))`,
};

// An address where the account logged in once stays known while its sessions are refreshed there; a refresh at another one does not make that known.
// (A locked account has no sessions; one that the release before began all the same ends with its first token.)
const ROTATE: Statement = {
  name: 'rotate-session',
  text: `
    with rotated as (
      update edgechat.sessions
      set generation = generation + 1, unused_generation = generation + 1, previous_hash = token_hash, token_hash = $4::bytea, rotated_at = clock_timestamp(),
          expires_at = least(clock_timestamp() + make_interval(days => $5::int), created_at + make_interval(days => $6::int))
      where id = $1::uuid and generation = $2::int and token_hash = $3::bytea and revoked_at is null and ${endsAt('$6')} > clock_timestamp()
        and not exists (select from edgechat.accounts a where a.id = sessions.account_id and a.locked_at is not null)
      returning ${OWNER}, token_hash, expires_at
    ), address as (
      update edgechat.login_addresses l set last_login_at = clock_timestamp() from rotated r
      where l.account_id = r.account_id and l.address_hash = $7::bytea and l.last_login_at < clock_timestamp() - interval '1 day'
    )
    select * from rotated`,
};

const FIND: Statement = {
  name: 'find-session',
  text: `
    select ${OWNER}, generation, token_hash, previous_hash, coalesce(unused_generation = generation, false) as is_unused, rotated_at,
      ${endsAt('$2')} as expires_at, revoked_at, clock_timestamp() as now
    from edgechat.sessions where id = $1::uuid`,
};

const MARK_USED: Statement = {
  name: 'mark-session-used',
  text: `
    update edgechat.sessions set unused_generation = null, used_at = clock_timestamp()
    where id = $1::uuid and unused_generation = $2::int`,
};

const LIST_OPEN: Statement = {
  name: 'list-open-sessions',
  text: `
    select id, created_at, greatest(rotated_at, used_at) as last_used_at, ${endsAt('$2')} as expires_at
    from edgechat.sessions where account_id = $1::bigint and revoked_at is null and ${endsAt('$2')} > clock_timestamp()
    order by greatest(rotated_at, used_at) desc, id desc limit ${SESSIONS_MAX}`,
};

const REVOKE: Statement = {
  name: 'revoke-session',
  text: 'update edgechat.sessions set revoked_at = clock_timestamp() where id = $1::uuid and revoked_at is null returning account_id',
};

const END_OF: Statement = {
  name: 'end-session-of-account',
  text: `
    update edgechat.sessions set revoked_at = clock_timestamp()
    where id = $2::uuid and account_id = $1::bigint and revoked_at is null and ${endsAt('$3')} > clock_timestamp()
    returning id`,
};

/** The account's row is locked first, as by everything that ends several sessions: two of them at once cannot wait for each other. */
const LOCK_ACCOUNT: Statement = {
  name: 'lock-account-of-sessions',
  text: 'select id from edgechat.accounts where id = $1::bigint for no key update',
};

/** A statement of its own: under the lock it sees whether the session that asks was ended by who had the lock before. One that has ended ends no others. */
const END_OTHERS: Statement = {
  name: 'end-other-sessions',
  text: `
    update edgechat.sessions s set revoked_at = clock_timestamp()
    where s.account_id = $1::bigint and s.id <> $2::uuid and s.revoked_at is null
      and exists (select from edgechat.sessions c where c.id = $2::uuid and c.revoked_at is null)
    returning s.id`,
};

/** The sessions in PostgreSQL, by its clock. Every method @throws Unavailable `postgres`. */
@Injectable()
export class Sessions {
  /** Null where sessions last as long as they are refreshed. */
  private readonly maxDays: number | null;

  constructor(
    private readonly postgres: Postgres,
    private readonly config: Config,
  ) {
    this.maxDays = limitOrNull(config.sessionMaxDays);
  }

  /**
   * Begins a session and notes its address; returns the sessions that ended so that at most 50 are open, or null when the account is gone or locked, or its hash is no longer the one that was verified.
   * Two statements: the second one sees the sessions of logins that held the account's row while the first one waited for it.
   */
  open(account: AccountId, verifiedHash: string, session: NewSession): Promise<readonly string[] | null> {
    const { id, generation, tokenHash, lifeDays, addressHash } = session;
    return this.postgres.transaction(async (sql) => {
      const values = [account, verifiedHash, id, generation, tokenHash, lifeDays, addressHash];
      if ((await sql.query(OPEN, values)).length === 0) return null;
      return idsOf(await sql.query(END_EXCESS, [account, id, this.maxDays]));
    });
  }

  /** Puts the successor in the place of the working token, if `used` is that one; null when it is not. Of two at once one wins. */
  async rotate(
    used: { sessionId: SessionId; generation: number; hash: Buffer },
    successorHash: Buffer,
    addressHash: Buffer | null,
  ): Promise<RotatedSession | null> {
    const { sessionId: id, generation, hash } = used;
    const values = [id, generation, hash, successorHash, this.config.jwtRefreshExpireDays, this.maxDays, addressHash];
    const [row] = await this.postgres.query<RotatedRow>(ROTATE, values);
    return row ? { ...ownerOf(row), tokenHash: row.token_hash, expiresAt: row.expires_at } : null;
  }

  async find(id: SessionId): Promise<(SessionState & RotatedSession) | null> {
    const [row] = await this.postgres.query<SessionRow>(FIND, [id, this.maxDays]);
    if (!row) return null;
    return {
      ...ownerOf(row),
      generation: row.generation,
      tokenHash: row.token_hash,
      previousHash: row.previous_hash,
      isUnused: row.is_unused,
      rotatedAt: row.rotated_at,
      expiresAt: row.expires_at,
      revokedAt: row.revoked_at,
      now: row.now,
    };
  }

  /** Notes that an access token of this generation was used, if it is the working one and that was not noted yet. */
  async markUsed(id: SessionId, generation: number): Promise<void> {
    await this.postgres.query(MARK_USED, [id, generation]);
  }

  /** The open sessions of an account, at most 50, the one used last first. */
  async listOpen(account: AccountId): Promise<readonly OpenSession[]> {
    return (await this.postgres.query<OpenSessionRow>(LIST_OPEN, [account, this.maxDays])).map(asOpenSession);
  }

  /** Ends a session, and returns its account; null for one that was ended before or is unknown, which stays as it is. */
  async revoke(id: SessionId): Promise<AccountId | null> {
    const [row] = await this.postgres.query<{ account_id: number }>(REVOKE, [id]);
    return row ? accountId(row.account_id) : null;
  }

  /** Ends an open session of this account; false when it has none of this id. */
  async endOf(account: AccountId, id: SessionId): Promise<boolean> {
    return (await this.postgres.query(END_OF, [account, id, this.maxDays])).length > 0;
  }

  /** Ends all sessions of an account but one; returns them. */
  endOthers(account: AccountId, goesOn: SessionId): Promise<readonly string[]> {
    return this.postgres.transaction(async (sql) => {
      await sql.query(LOCK_ACCOUNT, [account]);
      return idsOf(await sql.query(END_OTHERS, [account, goesOn]));
    });
  }
}

const idsOf = (rows: readonly { id: string }[]): readonly string[] => rows.map(({ id }) => id);

function ownerOf(row: OwnerRow): RegisteredAccount {
  return { accountId: accountId(row.account_id), registeredAt: row.registered_at };
}

function asOpenSession(row: OpenSessionRow): OpenSession {
  const id = sessionId(row.id);
  if (id === null) throw new RangeError('not the id of a session');
  return { id, createdAt: row.created_at, lastUsedAt: row.last_used_at, expiresAt: row.expires_at };
}
