import { Injectable } from '@nestjs/common';
import { pause, Refusal, sessionId, Unavailable } from '@edgechat/kernel';
import type { TokenPair } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import type { HashingRequest } from '../domain/hashing-order.js';
import { SecurityEvents } from '../events/security-events.js';
import { GuardedPasswords } from '../passwords/guarded-passwords.js';
import { formsOf, hashPassword, NOBODYS_HASH, type Fit } from '../passwords/passwords.js';
import { Accounts, type Credentials } from '../persistence/accounts.js';
import { NewSessions } from '../tokens/new-sessions.js';

/** How often a login whose password hash is replaced under its hands begins anew. */
const TRIES = 3;
/** A check of bcrypt with cost 12 on a slow core. */
const OLD_HASH_TAKES_MS = 800;

interface Login {
  readonly email: Email;
  readonly password: string;
  readonly addressKey: string;
}

/** Begins a session for who knows an account's password. */
@Injectable()
export class LogIn {
  constructor(
    private readonly accounts: Accounts,
    private readonly passwords: GuardedPasswords,
    private readonly newSessions: NewSessions,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * The tokens of a new session; notes the address as one of the account's, and replaces an outdated hash. An unknown address costs the same work as a wrong password.
   * @throws Refusal `bad_credentials`, which counts as a failed login; `too_many_logins`, without hashing, when the one before was too short ago; `account_locked`, told only to who knows the password
   * @throws Unavailable `postgres`, or `hashing` when too many passwords wait to be hashed
   */
  async execute(login: Login): Promise<TokenPair> {
    const failsAt = performance.now() + OLD_HASH_TAKES_MS * formsOf(login.password).length;
    const addressHashes = await this.passwords.hashesOfAddress(login.addressKey);
    for (let tried = 0; tried < TRIES; tried += 1) {
      const credentials = await this.accounts.credentialsByEmail(login.email, addressHashes);
      const verifiedHash = await this.verify(login, credentials);
      if (credentials === null || verifiedHash === null) {
        // A hash of the first backend takes longer to check: while there are some, no failure may come sooner than theirs, else time would tell who has an account.
        if (await this.accounts.hasOldHashes()) await pause(Math.max(0, failsAt - performance.now()));
        throw new Refusal('bad_credentials', 'Invalid email or password');
      }

      const { accountId } = credentials;
      const { addressKey } = login;
      if (credentials.isLocked) {
        this.events.record({ kind: 'login.locked', accountId, addressKey });
        throw locked();
      }

      const begun = await this.newSessions.open(credentials, verifiedHash, addressHashes[0]);
      if (begun !== null) {
        this.events.record({ kind: 'login.succeeded', accountId, sessionId: begun.sessionId, addressKey });
        for (const id of begun.ended)
          this.events.record({ kind: 'session.ended', accountId, sessionId: sessionId(id), addressKey });
        return begun.tokens;
      }
      // Another login rehashed it, the password was changed, or the account was locked, since it was read: all of it must be asked again.
    }
    throw new Unavailable('postgres', { detail: 'The account was changed during the login. Try again.' });
  }

  /** The account's hash after a right password, renewed if it was outdated; null after a wrong one. */
  private verify(login: Login, credentials: Credentials | null): Promise<string | null> {
    const { addressKey, password } = login;
    const attempt = {
      emailKey: nameOf(login, credentials),
      addressKey,
      isKnownAddress: credentials?.isKnownAddress ?? false,
      accountId: credentials?.accountId ?? null,
      sessionId: null,
    };
    const stored = credentials?.passwordHash ?? NOBODYS_HASH;
    return this.passwords.check(requestOf(login, credentials), attempt, { password, stored }, (fit) =>
      this.renewed(fit, password, credentials),
    );
  }

  private async renewed(fit: Fit, password: string, credentials: Credentials | null): Promise<string | null> {
    if (fit === 'wrong' || credentials === null) return null;
    if (fit === 'right') return credentials.passwordHash;

    const renewed = await hashPassword(password);
    await this.accounts.rehash(credentials.accountId, credentials.passwordHash, renewed);
    return renewed;
  }
}

/** What guesses are counted on: one name for all spellings of an account's address. */
const nameOf = ({ email }: Login, credentials: Credentials | null): string => credentials?.emailKey ?? email.mailboxKey;

/** A login where its account is known goes before others, and the others of its address before each other by name. */
function requestOf(login: Login, credentials: Credentials | null): HashingRequest {
  const purpose = credentials?.isKnownAddress === true ? 'known' : 'login';
  return { purpose, addressKey: login.addressKey, name: nameOf(login, credentials) };
}

const locked = (): Refusal =>
  new Refusal('account_locked', 'The operator of this server has locked this account. Ask them.');
