import { Injectable } from '@nestjs/common';
import { pause, Refusal, Unavailable } from '@edgechat/kernel';
import type { TokenPair } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import { HashingSlots } from '../passwords/hashing-slots.js';
import { LoginGuard } from '../passwords/login-guard.js';
import { fitPassword, formsOf, hashPassword, NOBODYS_HASH } from '../passwords/passwords.js';
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
    private readonly slots: HashingSlots,
    private readonly guard: LoginGuard,
    private readonly newSessions: NewSessions,
  ) {}

  /**
   * The tokens of a new session; notes the address as one of the account's, and replaces an outdated hash. An unknown address costs the same work as a wrong password.
   * @throws Refusal `bad_credentials`, which counts as a failed login; `too_many_logins`, without hashing; `account_locked`, told only to who knows the password
   * @throws Unavailable `postgres`, or `hashing` when too many passwords wait to be hashed
   */
  async execute(login: Login): Promise<TokenPair> {
    const failsAt = performance.now() + OLD_HASH_TAKES_MS * formsOf(login.password).length;
    const addressHashes = await this.guard.hashesOfAddress(login.addressKey);
    for (let tried = 0; tried < TRIES; tried += 1) {
      const credentials = await this.accounts.credentialsByEmail(login.email, addressHashes);
      const verifiedHash = await this.slots.run(login.addressKey, () => this.verify(login, credentials));
      if (credentials === null || verifiedHash === null) {
        // A hash of the first backend takes longer to check: while there are some, no failure may come sooner than theirs, else time would tell who has an account.
        if (await this.accounts.hasOldHashes()) await pause(Math.max(0, failsAt - performance.now()));
        throw new Refusal('bad_credentials', 'Invalid email or password');
      }

      if (credentials.isLocked) throw locked();

      const tokens = await this.newSessions.open(credentials, verifiedHash, addressHashes[0]);
      if (tokens !== null) return tokens;
      // Another login rehashed it, the password was changed, or the account was locked, since it was read: all of it must be asked again.
    }
    throw new Unavailable('postgres', { detail: 'The account was changed during the login. Try again.' });
  }

  /** The account's hash after a right password, renewed if it was outdated; null after a wrong one. Counted within the slot, so that waiting attempts count for nothing. */
  private async verify(login: Login, credentials: Credentials | null): Promise<string | null> {
    const attempt = {
      emailKey: credentials?.emailKey ?? login.email.mailboxKey,
      addressKey: login.addressKey,
      isKnownAddress: credentials?.isKnownAddress ?? false,
    };
    const reservation = await this.guard.reserve(attempt);
    const fit = await fitPassword(login.password, credentials?.passwordHash ?? NOBODYS_HASH);
    if (fit === 'wrong' || credentials === null) return null;

    await reservation.giveBack();
    if (fit === 'right') return credentials.passwordHash;

    const renewed = await hashPassword(login.password);
    await this.accounts.rehash(credentials.accountId, credentials.passwordHash, renewed);
    return renewed;
  }
}

const locked = (): Refusal =>
  new Refusal('account_locked', 'The operator of this server has locked this account. Ask them.');
