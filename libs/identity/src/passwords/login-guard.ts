import { Injectable } from '@nestjs/common';
import { Refusal, Unavailable, type AccountId, type SessionId } from '@edgechat/kernel';
import { Redis } from '@edgechat/platform/redis';
import type { GuessCounts, GuessKeys } from '../domain/guess-limits.js';
import { SecurityEvents } from '../events/security-events.js';
import { pseudonym, SigningKeys } from '../tokens/signing-keys.js';
import { LocalGuessCounts } from './local-guess-counts.js';
import { RedisGuessCounts } from './redis-guess-counts.js';

/** Whose password is tried, and from where. */
export interface Attempt {
  /** Folded e-mail address; need not belong to an account. */
  readonly emailKey: string;
  readonly addressKey: string;
  /** This very account logged in from this address during the last 30 days. */
  readonly isKnownAddress: boolean;
  /** Whose name it is, for the security events; null for a name that no account has. */
  readonly accountId: AccountId | null;
  /** The caller's session when its password is to be changed; null at a login. */
  readonly sessionId: SessionId | null;
}

/** An attempt that was counted, and whose password may be checked now. */
export interface Reservation {
  /** Tells whether the password was right: then the attempt does not count, and the delays of its name at its address end. */
  settle(isRight: boolean): Promise<void>;
}

/**
 * Limits the guessing of passwords (`domain/guess-limits.ts`). Nobody is held: who comes too early is refused, and told when to come again. An attempt is counted before its password is hashed.
 *
 * Delays belong to a name at an address, so that who guesses elsewhere delays only itself. An address that is new to the account counts besides for the name, over all such addresses of a day,
 * and for itself, over all names; an address that the account is known at does not, so that nobody elsewhere can shut the owner out there. Names without an account are treated as those with one.
 * A change of the password has counts of its own, since only who has a session can make one, and its address counts for nothing.
 *
 * Counted in Redis for all replicas; while Redis is away, in this process, which goes on from what Redis said last and tells it afterwards. Neither names nor addresses are kept, only their HMACs.
 */
@Injectable()
export class LoginGuard {
  private readonly shared: GuessCounts;
  private readonly local = new LocalGuessCounts();

  constructor(
    redis: Redis,
    private readonly keys: SigningKeys,
    private readonly events: SecurityEvents,
  ) {
    this.shared = new RedisGuessCounts(redis, this.local);
  }

  /**
   * What is kept of an address: equal for equal addresses, and of no use without the signing secret. While that is replaced, a second hash is what the secret before it made.
   * @throws Unavailable `postgres`
   */
  async hashesOfAddress(addressKey: string): Promise<readonly [Buffer, ...Buffer[]]> {
    const keys = await this.keys.get();
    const before = keys.previous === null ? [] : [pseudonym(keys.previous, 'address', addressKey)];
    return [pseudonym(keys, 'address', addressKey), ...before];
  }

  /**
   * Counts an attempt.
   * @throws Refusal `too_many_logins` with the seconds to wait; then nothing was counted
   */
  async reserve(attempt: Attempt): Promise<Reservation> {
    const keys = await this.keysOf(attempt);
    const { waitMs, counts } = await this.count(keys);
    if (waitMs > 0) {
      this.record(attempt, 'limited');
      throw new Refusal(
        'too_many_logins',
        'Too many failed logins. Wait as long as Retry-After says, then try again.',
        { retryAfterS: Math.ceil(waitMs / 1_000) },
      );
    }
    return {
      settle: async (isRight) => {
        if (!isRight) this.record(attempt, 'failed');
        await this.settle(counts, keys, isRight);
      },
    };
  }

  private async count(keys: GuessKeys): Promise<{ waitMs: number; counts: GuessCounts }> {
    try {
      return { waitMs: await this.shared.reserve(keys), counts: this.shared };
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return { waitMs: await this.local.reserve(keys), counts: this.local };
    }
  }

  /** Where it was counted. If Redis has gone meanwhile this process remembers the failure; there the attempt is under way for its short while and stays counted on day and address. */
  private async settle(counts: GuessCounts, keys: GuessKeys, isRight: boolean): Promise<void> {
    await counts.settle(keys, isRight).catch((error: unknown) => {
      if (!(error instanceof Unavailable)) throw error;
      return this.local.settle({ ...keys, day: null, address: null }, isRight);
    });
  }

  private async keysOf({ emailKey, addressKey, isKnownAddress, sessionId }: Attempt): Promise<GuessKeys> {
    const keys = await this.keys.get();
    const name = pseudonym(keys, 'account-name', emailKey).toString('base64url');
    const address = pseudonym(keys, 'address', addressKey).toString('base64url');
    const what = sessionId === null ? 'login' : 'password';
    return {
      pair: `${what}:${name}:${address}`,
      day: isKnownAddress ? null : `${what}-day:${name}`,
      address: isKnownAddress || sessionId !== null ? null : `login-address:${address}`,
    };
  }

  private record({ accountId, sessionId, addressKey }: Attempt, how: 'failed' | 'limited'): void {
    this.events.record({
      kind: sessionId === null ? `login.${how}` : `password.${how}`,
      accountId,
      sessionId,
      addressKey,
    });
  }
}
