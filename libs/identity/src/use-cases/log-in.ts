import { Injectable } from '@nestjs/common';
import { pause, Refusal, Unavailable } from '@edgechat/kernel';
import type { TokenPair } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import type { HashingRequest } from '../domain/hashing-order.js';
import { SecurityEvents } from '../events/security-events.js';
import { HashingSlots } from '../passwords/hashing-slots.js';
import { LoginGuard } from '../passwords/login-guard.js';
import { hashPassword, isOutdated, NOBODYS_HASH, verifyPassword } from '../passwords/passwords.js';
import { Accounts, type Credentials } from '../persistence/accounts.js';
import { Sessions } from '../persistence/sessions.js';
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
    private readonly sessions: Sessions,
    private readonly slots: HashingSlots,
    private readonly guard: LoginGuard,
    private readonly newSessions: NewSessions,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * The tokens of a new session; notes the address as one of the account's, and replaces an outdated hash. An unknown address costs the same work as a wrong password.
   * @throws Refusal `bad_credentials`, which counts as a failed login; `too_many_logins`, without hashing, when the one before was too short ago
   * @throws Unavailable `postgres`, or `hashing` when too many passwords wait to be hashed
   */
  async execute(login: Login): Promise<TokenPair> {
    const failsAt = performance.now() + OLD_HASH_TAKES_MS;
    const addressHash = await this.guard.hashAddress(login.addressKey);
    for (let tried = 0; tried < TRIES; tried += 1) {
      const credentials = await this.accounts.credentialsByEmail(login.email, addressHash);
      const verifiedHash = await this.slots.run(requestOf(login, credentials), () => this.verify(login, credentials));
      if (credentials === null || verifiedHash === null) {
        // A hash of the first backend takes longer to check: while there are some, no failure may come sooner than theirs, else time would tell who has an account.
        if (await this.accounts.hasOldHashes()) await pause(Math.max(0, failsAt - performance.now()));
        throw new Refusal('bad_credentials', 'Invalid email or password');
      }

      const { session, tokensFor } = await this.newSessions.prepare(addressHash);
      if (await this.sessions.open(credentials.accountId, verifiedHash, session)) {
        const [{ accountId }, { addressKey }] = [credentials, login];
        this.events.record({ kind: 'login.succeeded', accountId, sessionId: session.id, addressKey });
        return tokensFor(accountId);
      }
      // Another login rehashed it, or the password was changed, since it was read: whether this password is still right must be asked again.
    }
    throw new Unavailable('postgres', { detail: 'The account was changed during the login. Try again.' });
  }

  /** The account's hash after a right password, renewed if it was outdated; null after a wrong one. Counted within the slot, so that waiting attempts count for nothing. */
  private async verify(login: Login, credentials: Credentials | null): Promise<string | null> {
    const attempt = {
      emailKey: login.email.key,
      addressKey: login.addressKey,
      isKnownAddress: credentials?.isKnownAddress ?? false,
      accountId: credentials?.accountId ?? null,
      sessionId: null,
    };
    const reservation = await this.guard.reserve(attempt);
    const isRight = await verifyPassword(login.password, credentials?.passwordHash ?? NOBODYS_HASH);
    await reservation.settle(isRight && credentials !== null);
    if (!isRight || credentials === null) return null;

    if (!isOutdated(credentials.passwordHash)) return credentials.passwordHash;

    const renewed = await hashPassword(login.password);
    await this.accounts.rehash(credentials.accountId, credentials.passwordHash, renewed);
    return renewed;
  }
}

/** A login where its account is known goes before others, and the others of its address before each other by name. */
function requestOf({ email, addressKey }: Login, credentials: Credentials | null): HashingRequest {
  return { purpose: credentials?.isKnownAddress === true ? 'known' : 'login', addressKey, name: email.key };
}
