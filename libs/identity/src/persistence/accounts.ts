import { Injectable } from '@nestjs/common';
import { accountId, type AccountId } from '@edgechat/kernel';
import { isUniqueViolation, Postgres, type Statement } from '@edgechat/platform/postgres';
import { displayNameOf, type Account } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import { KNOWN_ADDRESS_DAYS, type NewSession } from './sessions.js';

/** What a check of a password needs to know of an account. */
export interface Credentials {
  readonly accountId: AccountId;
  readonly emailKey: string;
  readonly passwordHash: string;
  /** This very account logged in from the caller's address during the last 30 days. */
  readonly isKnownAddress: boolean;
}

interface AccountRow {
  id: number;
  email: string;
  display_name: string | null;
  created_at: Date;
}

interface CredentialsRow {
  id: number;
  email_key: string;
  password_hash: string;
  is_known: boolean;
}

const CREDENTIALS = `
  select a.id, a.email_key, a.password_hash, exists (
      select from edgechat.login_addresses l
      where l.account_id = a.id and l.address_hash = $2::bytea and l.last_login_at > clock_timestamp() - interval '${KNOWN_ADDRESS_DAYS} days'
    ) as is_known
  from edgechat.accounts a`;

/** Whether hashes of the first backend are left: they take longer to check. */
const HAS_OLD_HASHES: Statement = {
  name: 'has-old-hashes',
  text: `select 1 as found from edgechat.accounts where password_hash like '$2%' limit 1`,
};
const CREDENTIALS_BY_EMAIL: Statement = {
  name: 'credentials-by-email',
  text: `${CREDENTIALS} where a.email_key = $1::text`,
};
const CREDENTIALS_BY_ID: Statement = { name: 'credentials-by-id', text: `${CREDENTIALS} where a.id = $1::bigint` };
const IS_TAKEN: Statement = {
  name: 'is-email-taken',
  text: 'select id from edgechat.accounts where email_key = $1::text',
};
const FIND: Statement = {
  name: 'find-account',
  text: 'select id, email, display_name, created_at from edgechat.accounts where id = $1::bigint',
};
const FIND_BY_EMAIL: Statement = {
  name: 'find-account-by-email',
  text: 'select id, email, display_name, created_at from edgechat.accounts where email_key = $1::text',
};
const RENAME: Statement = {
  name: 'rename-account',
  text: 'update edgechat.accounts set display_name = $2::text where id = $1::bigint returning id, email, display_name, created_at',
};
const REHASH: Statement = {
  name: 'rehash-password',
  text: 'update edgechat.accounts set password_hash = $3::text where id = $1::bigint and password_hash = $2::text',
};

const REGISTER: Statement = {
  name: 'register-account',
  text: `
    with account as (
      insert into edgechat.accounts (email, email_key, password_hash) values ($1::text, $2::text, $3::text) returning id
    ), session as (
      insert into edgechat.sessions (id, account_id, generation, token_hash, rotated_at, expires_at)
      select $4::uuid, id, $5::int, $6::bytea, clock_timestamp(), clock_timestamp() + make_interval(days => $7::int) from account
    ), address as (
      insert into edgechat.login_addresses (account_id, address_hash, last_login_at) select id, $8::bytea, clock_timestamp() from account
    )
    select id from account`,
};

/** The id is drawn by PostgreSQL (see the function `edgechat.new_account_id`). Should two registers at once draw the same one, the later draws again. */
const ID_TRIES = 3;

const SET_PASSWORD: Statement = {
  name: 'set-password',
  text: 'update edgechat.accounts set password_hash = $3::text where id = $1::bigint and password_hash = $2::text returning id',
};
const REVOKE_OTHERS: Statement = {
  name: 'revoke-other-sessions',
  text: `update edgechat.sessions set revoked_at = clock_timestamp() where account_id = $1::bigint and id <> $2::uuid and revoked_at is null returning id`,
};

/** The accounts in PostgreSQL. Every method @throws Unavailable `postgres`. */
@Injectable()
export class Accounts {
  constructor(private readonly postgres: Postgres) {}

  async find(id: AccountId): Promise<Account | null> {
    const [row] = await this.postgres.query<AccountRow>(FIND, [id]);
    return row ? asAccount(row) : null;
  }

  async findByEmail(email: Email): Promise<Account | null> {
    const [row] = await this.postgres.query<AccountRow>(FIND_BY_EMAIL, [email.key]);
    return row ? asAccount(row) : null;
  }

  async rename(id: AccountId, displayName: string): Promise<Account | null> {
    const [row] = await this.postgres.query<AccountRow>(RENAME, [id, displayName]);
    return row ? asAccount(row) : null;
  }

  async credentialsByEmail(email: Email, addressHash: Buffer): Promise<Credentials | null> {
    const [row] = await this.postgres.query<CredentialsRow>(CREDENTIALS_BY_EMAIL, [email.key, addressHash]);
    return row ? asCredentials(row) : null;
  }

  async credentialsById(id: AccountId, addressHash: Buffer): Promise<Credentials | null> {
    const [row] = await this.postgres.query<CredentialsRow>(CREDENTIALS_BY_ID, [id, addressHash]);
    return row ? asCredentials(row) : null;
  }

  /** True while an account of the first backend has not logged in yet. */
  async hasOldHashes(): Promise<boolean> {
    return (await this.postgres.query(HAS_OLD_HASHES)).length > 0;
  }

  async isTaken(email: Email): Promise<boolean> {
    return (await this.postgres.query(IS_TAKEN, [email.key])).length > 0;
  }

  /** Makes an account together with its first session and the address it came from; null when the e-mail address was taken meanwhile. */
  async register(email: Email, passwordHash: string, session: NewSession): Promise<AccountId | null> {
    const values = [
      email.address,
      email.key,
      passwordHash,
      session.id,
      session.generation,
      session.tokenHash,
      session.lifeDays,
      session.addressHash,
    ];
    for (let triesLeft = ID_TRIES; ; triesLeft -= 1) {
      try {
        const [row] = await this.postgres.query<{ id: number }>(REGISTER, values);
        return row ? accountId(row.id) : null;
      } catch (error) {
        if (isUniqueViolation(error, 'accounts_email_key')) return null;
        if (triesLeft <= 1 || !isUniqueViolation(error, 'accounts_pkey')) throw error;
      }
    }
  }

  /** Replaces the hash of an unchanged password; does nothing when the hash was replaced meanwhile. */
  async rehash(id: AccountId, from: string, to: string): Promise<void> {
    await this.postgres.query(REHASH, [id, from, to]);
  }

  /**
   * Sets another password and ends every session but `keep`, in one transaction; returns the sessions ended, or null when the hash was replaced meanwhile.
   * Two statements: the second one sees the sessions of logins that held the account's row while the first one waited for it.
   */
  setPassword(id: AccountId, hash: { from: string; to: string }, keep: string): Promise<readonly string[] | null> {
    return this.postgres.transaction(async (sql) => {
      const changed = await sql.query(SET_PASSWORD, [id, hash.from, hash.to]);
      if (changed.length === 0) return null;
      const ended = await sql.query<{ id: string }>(REVOKE_OTHERS, [id, keep]);
      return ended.map((row) => row.id);
    });
  }
}

function asAccount(row: AccountRow): Account {
  const id = accountId(row.id);
  return { id, email: row.email, displayName: displayNameOf(id, row.display_name), createdAt: row.created_at };
}

function asCredentials(row: CredentialsRow): Credentials {
  return {
    accountId: accountId(row.id),
    emailKey: row.email_key,
    passwordHash: row.password_hash,
    isKnownAddress: row.is_known,
  };
}
