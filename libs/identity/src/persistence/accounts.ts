import { Injectable } from '@nestjs/common';
import { accountId, Refusal, type AccountId } from '@edgechat/kernel';
import { isUniqueViolation, Postgres, type Statement } from '@edgechat/platform/postgres';
import { displayNameOf, type Account, type Caller, type RegisteredAccount } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import { isOfEmail } from './account-of-email.js';
import { inviteInvalid, useInvite } from './invites.js';
import { BEGIN_SESSION, KNOWN_ADDRESS_DAYS, type NewSession } from './sessions.js';

/** What a check of a password needs to know of an account. */
export interface Credentials extends RegisteredAccount {
  /** As it was given at registration. */
  readonly email: string;
  /** Equal for all spellings that find this account. */
  readonly emailKey: string;
  readonly passwordHash: string;
  /** This very account logged in from the caller's address during the last 30 days. */
  readonly isKnownAddress: boolean;
  /** The operator keeps its owner out. */
  readonly isLocked: boolean;
}

interface AccountRow {
  id: number;
  email: string;
  display_name: string | null;
  created_at: Date;
}

interface RegisteredRow {
  id: number;
  created_at: Date;
}

interface CredentialsRow {
  id: number;
  email: string;
  email_key: string;
  password_hash: string;
  created_at: Date;
  is_known: boolean;
  is_locked: boolean;
}

const CREDENTIALS = `
  select a.id, a.email, coalesce(a.mailbox_key, a.email_key) as email_key, a.password_hash, a.created_at, a.locked_at is not null as is_locked, exists (
      select from edgechat.login_addresses l
      where l.account_id = a.id and l.address_hash = any ($2::bytea[]) and l.last_login_at > clock_timestamp() - interval '${KNOWN_ADDRESS_DAYS} days'
    ) as is_known
  from edgechat.accounts a`;

/** Whether hashes of the first backend are left: they take longer to check. */
const HAS_OLD_HASHES: Statement = {
  name: 'has-old-hashes',
  text: `select 1 as found from edgechat.accounts where password_hash like '$2%' limit 1`,
};
const CREDENTIALS_BY_EMAIL: Statement = {
  name: 'credentials-by-email',
  text: `${CREDENTIALS} where a.${isOfEmail('$3')}`,
};
const CREDENTIALS_BY_ID: Statement = { name: 'credentials-by-id', text: `${CREDENTIALS} where a.id = $1::bigint` };
const IS_TAKEN: Statement = {
  name: 'is-email-taken',
  text: `
    select id from edgechat.accounts
    where email_key in ($1::text, $2::text) or mailbox_key = $2::text or shared_mailbox_key = $2::text limit 1`,
};
const FIND: Statement = {
  name: 'find-account',
  text: 'select id, email, display_name, created_at from edgechat.accounts where id = $1::bigint',
};
const FIND_BY_EMAIL: Statement = {
  name: 'find-account-by-email',
  text: `select id, email, display_name, created_at from edgechat.accounts where ${isOfEmail('$2')}`,
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
      insert into edgechat.accounts (email, email_key, mailbox_key, password_hash) values ($1::text, $2::text, $9::text, $3::text) returning id, created_at
    ), session as (
      insert into edgechat.sessions (id, account_id, generation, unused_generation, token_hash, rotated_at, expires_at)
      select $4::uuid, id, $5::int, $5::int, $6::bytea, clock_timestamp(), clock_timestamp() + make_interval(days => $7::int) from account
    ), address as (
      insert into edgechat.login_addresses (account_id, address_hash, last_login_at) select id, $8::bytea, clock_timestamp() from account
    )
    select id, created_at from account`,
};

/** What keeps an address from being two accounts, also of two registrations at once. */
const EMAIL_KEYS = ['accounts_email_key', 'accounts_mailbox_key'];
/** The id is drawn by PostgreSQL (see the function `edgechat.new_account_id`). Should two registers at once draw the same one, the later draws again. */
const ID_TRIES = 3;

const SET_PASSWORD: Statement = {
  name: 'set-password',
  text: 'update edgechat.accounts set password_hash = $3::text where id = $1::bigint and password_hash = $2::text and locked_at is null returning id',
};
const IS_OPEN: Statement = {
  name: 'is-session-open',
  text: 'select id from edgechat.sessions where id = $2::uuid and account_id = $1::bigint and revoked_at is null',
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
    const [row] = await this.postgres.query<AccountRow>(FIND_BY_EMAIL, [email.key, email.mailboxKey]);
    return row ? asAccount(row) : null;
  }

  async rename(id: AccountId, displayName: string): Promise<Account | null> {
    const [row] = await this.postgres.query<AccountRow>(RENAME, [id, displayName]);
    return row ? asAccount(row) : null;
  }

  async credentialsByEmail(email: Email, addressHashes: readonly Buffer[]): Promise<Credentials | null> {
    const [row] = await this.postgres.query<CredentialsRow>(CREDENTIALS_BY_EMAIL, [
      email.key,
      addressHashes,
      email.mailboxKey,
    ]);
    return row ? asCredentials(row) : null;
  }

  async credentialsById(id: AccountId, addressHashes: readonly Buffer[]): Promise<Credentials | null> {
    const [row] = await this.postgres.query<CredentialsRow>(CREDENTIALS_BY_ID, [id, addressHashes]);
    return row ? asCredentials(row) : null;
  }

  /** True while an account of the first backend has not logged in yet. */
  async hasOldHashes(): Promise<boolean> {
    return (await this.postgres.query(HAS_OLD_HASHES)).length > 0;
  }

  /** True when an account has the address, in whatever spelling. */
  async isTaken(email: Email): Promise<boolean> {
    return (await this.postgres.query(IS_TAKEN, [email.key, email.mailboxKey])).length > 0;
  }

  /**
   * Makes an account together with its first session and the address it came from; null when the e-mail address was taken meanwhile.
   * @param inviteHash uses up one use of this code in the same transaction: who gets no account leaves the code as it was
   * @throws Refusal `invite_invalid` when the code was used up meanwhile
   */
  async register(
    email: Email,
    passwordHash: string,
    session: NewSession,
    inviteHash: Buffer | null = null,
  ): Promise<RegisteredAccount | null> {
    const values = [
      email.address,
      email.key,
      passwordHash,
      session.id,
      session.generation,
      session.tokenHash,
      session.lifeDays,
      session.addressHash,
      email.mailboxKey,
    ];
    for (let triesLeft = ID_TRIES; ; triesLeft -= 1) {
      try {
        const [row] =
          inviteHash === null
            ? await this.postgres.query<RegisteredRow>(REGISTER, values)
            : await this.registerInvited(inviteHash, values);
        return row ? { accountId: accountId(row.id), registeredAt: row.created_at } : null;
      } catch (error) {
        if (EMAIL_KEYS.some((constraint) => isUniqueViolation(error, constraint))) return null;
        if (triesLeft <= 1 || !isUniqueViolation(error, 'accounts_pkey')) throw error;
      }
    }
  }

  private registerInvited(inviteHash: Buffer, values: readonly unknown[]): Promise<RegisteredRow[]> {
    return this.postgres.transaction(async (sql) => {
      if (!(await useInvite(sql, inviteHash))) throw inviteInvalid();
      return sql.query<RegisteredRow>(REGISTER, values);
    });
  }

  /** Replaces the hash of an unchanged password; does nothing when the hash was replaced meanwhile. */
  async rehash(id: AccountId, from: string, to: string): Promise<void> {
    await this.postgres.query(REHASH, [id, from, to]);
  }

  /**
   * Sets another password and ends every session but the caller's, in one transaction; with `begins` the caller's too, in whose place that one begins.
   * Returns the sessions ended, or null when the hash was replaced, or the account locked, meanwhile.
   * Several statements: those after the first one see what was committed by who held the account's row while it waited: logins, and what ended the caller's session.
   * @throws Refusal `unauthorized` when the caller's session has ended: then nothing was changed
   */
  setPassword(
    { accountId: id, sessionId }: Caller,
    hash: { from: string; to: string },
    begins: NewSession | null,
  ): Promise<readonly string[] | null> {
    return this.postgres.transaction(async (sql) => {
      const changed = await sql.query(SET_PASSWORD, [id, hash.from, hash.to]);
      if (changed.length === 0) return null;
      if ((await sql.query(IS_OPEN, [id, sessionId])).length === 0)
        throw new Refusal('unauthorized', 'This session has ended. Log in again.');

      const ended = await sql.query<{ id: string }>(REVOKE_OTHERS, [id, begins?.id ?? sessionId]);
      if (begins !== null)
        await sql.query(BEGIN_SESSION, [
          id,
          begins.id,
          begins.generation,
          begins.tokenHash,
          begins.lifeDays,
          begins.addressHash,
        ]);
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
    email: row.email,
    emailKey: row.email_key,
    passwordHash: row.password_hash,
    registeredAt: row.created_at,
    isKnownAddress: row.is_known,
    isLocked: row.is_locked,
  };
}
