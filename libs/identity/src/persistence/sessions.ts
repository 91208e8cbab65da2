import { Injectable } from '@nestjs/common';
import { accountId, type AccountId, type SessionId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { SessionState } from '../domain/rotation.js';

/** From an address that an account logged in from during this time, strangers' guesses do not count against it. */
export const KNOWN_ADDRESS_DAYS = 30;
const ADDRESSES_PER_ACCOUNT = 100;

/** A session about to begin. */
export interface NewSession {
  readonly id: SessionId;
  readonly generation: number;
  readonly tokenHash: Buffer;
  readonly lifeDays: number;
  readonly addressHash: Buffer;
}

interface SessionRow {
  account_id: number;
  generation: number;
  previous_hash: Buffer | null;
  rotated_at: Date;
  expires_at: Date;
  revoked_at: Date | null;
  now: Date;
}

// `for share` makes a change of the password and a login with the old one exclude each other: whichever comes second sees the first.
// In passing it removes the account's sessions that ended long enough ago for their access tokens to have ended too, and addresses beyond the newest 100.
const OPEN: Statement = {
  name: 'open-session',
  text: `
    with account as (
      select id from edgechat.accounts where id = $1::bigint and password_hash = $2::text for share
    ), session as (
      insert into edgechat.sessions (id, account_id, generation, token_hash, rotated_at, expires_at)
      select $3::uuid, id, $4::int, $5::bytea, clock_timestamp(), clock_timestamp() + make_interval(days => $6::int) from account
    ), address as (
      insert into edgechat.login_addresses (account_id, address_hash, last_login_at) select id, $7::bytea, clock_timestamp() from account
      on conflict (account_id, address_hash) do update set last_login_at = excluded.last_login_at
    ), forgotten as (
      delete from edgechat.login_addresses where account_id = $1::bigint and address_hash in (
        select address_hash from edgechat.login_addresses where account_id = $1::bigint and address_hash <> $7::bytea
        order by last_login_at desc offset ${ADDRESSES_PER_ACCOUNT - 1})
    ), swept as (
      delete from edgechat.sessions where account_id = $1::bigint and expires_at < clock_timestamp() - interval '2 days'
    )
    select id from account`,
};

const ROTATE: Statement = {
  name: 'rotate-session',
  text: `
    update edgechat.sessions
    set generation = generation + 1, previous_hash = token_hash, token_hash = $4::bytea,
        rotated_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(days => $5::int)
    where id = $1::uuid and generation = $2::int and token_hash = $3::bytea and revoked_at is null and expires_at > clock_timestamp()
    returning account_id`,
};

const LOOK: Statement = {
  name: 'look-at-session',
  text: `
    select account_id, generation, previous_hash, rotated_at, expires_at, revoked_at, clock_timestamp() as now
    from edgechat.sessions where id = $1::uuid`,
};

const REVOKE: Statement = {
  name: 'revoke-session',
  text: 'update edgechat.sessions set revoked_at = clock_timestamp() where id = $1::uuid and revoked_at is null returning account_id',
};

/** The sessions in PostgreSQL, by its clock. Every method @throws Unavailable `postgres`. */
@Injectable()
export class Sessions {
  constructor(private readonly postgres: Postgres) {}

  /** Begins a session and notes its address; false when the account is gone or its hash is no longer the one that was verified. */
  async open(account: AccountId, verifiedHash: string, session: NewSession): Promise<boolean> {
    const values = [
      account,
      verifiedHash,
      session.id,
      session.generation,
      session.tokenHash,
      session.lifeDays,
      session.addressHash,
    ];
    return (await this.postgres.query(OPEN, values)).length > 0;
  }

  /** Puts the successor in the place of the working token, if `used` is that one; returns the session's account, or null when it is not. Of two at once one wins. */
  async rotate(
    id: SessionId,
    used: { generation: number; hash: Buffer },
    successorHash: Buffer,
    lifeDays: number,
  ): Promise<AccountId | null> {
    const [row] = await this.postgres.query<{ account_id: number }>(ROTATE, [
      id,
      used.generation,
      used.hash,
      successorHash,
      lifeDays,
    ]);
    return row ? accountId(row.account_id) : null;
  }

  async look(id: SessionId): Promise<(SessionState & { accountId: AccountId }) | null> {
    const [row] = await this.postgres.query<SessionRow>(LOOK, [id]);
    if (!row) return null;
    return {
      accountId: accountId(row.account_id),
      generation: row.generation,
      previousHash: row.previous_hash,
      rotatedAt: row.rotated_at,
      expiresAt: row.expires_at,
      revokedAt: row.revoked_at,
      now: row.now,
    };
  }

  /** Ends a session, and returns its account; null for one that was ended before or is unknown, which stays as it is. */
  async revoke(id: SessionId): Promise<AccountId | null> {
    const [row] = await this.postgres.query<{ account_id: number }>(REVOKE, [id]);
    return row ? accountId(row.account_id) : null;
  }
}
