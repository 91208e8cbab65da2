import { Injectable } from '@nestjs/common';
import { Refusal, Unavailable } from '@edgechat/kernel';
import { Redis } from '@edgechat/platform/redis';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { pseudonym, SigningKeys } from '../tokens/signing-keys.js';

/** Failed logins that a counter allows in its window, which begins with the first attempt and lasts its whole length. */
export const FAILURES_PER_NAME = 10;
export const FAILURES_PER_ADDRESS = 50;
export const WINDOW_S = 15 * 60;

/** Whose password is tried, and from where. */
export interface Attempt {
  /** Folded e-mail address; need not belong to an account. */
  readonly emailKey: string;
  readonly addressKey: string;
  /** This very account logged in from this address during the last 30 days. */
  readonly isKnownAddress: boolean;
}

/** What an attempt took from the counters. Keep it when the password was wrong. */
export interface Reservation {
  /** The password was right: the attempt does not count. */
  giveBack(): Promise<void>;
}

interface Count {
  readonly consumed: number;
  readonly endsInMs: number;
  /** Undoes it where it was counted, Redis or this process. */
  readonly undo: () => Promise<unknown>;
}

/**
 * Limits the guessing of passwords. An attempt is counted before the password is hashed and taken back when it was right, so that 200 guesses at once are still only 10.
 * Attempts from an address that the account is known at have a counter of their own and touch no other: strangers, who fill the others, cannot lock the owner out.
 * Counted in Redis for all replicas; while Redis is away, in this process. Neither names nor addresses are kept, only their HMACs.
 * An attempt under way counts as a failure for its short while: beside the 9th failure a right password may meet 429 when two arrive at once.
 */
@Injectable()
export class LoginGuard {
  private readonly byName: Counter;
  private readonly byAddress: Counter;
  private readonly byOwner: Counter;

  constructor(
    redis: Redis,
    private readonly keys: SigningKeys,
  ) {
    this.byName = new Counter(redis, 'failed-logins:name', FAILURES_PER_NAME);
    this.byAddress = new Counter(redis, 'failed-logins:address', FAILURES_PER_ADDRESS);
    this.byOwner = new Counter(redis, 'failed-logins:owner', FAILURES_PER_NAME);
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
   * @throws Refusal `too_many_logins` with the seconds to wait when a counter is used up; then nothing was counted
   */
  async reserve(attempt: Attempt): Promise<Reservation> {
    const counters = await this.countersOf(attempt);
    const counts = await Promise.all(counters.map(({ counter, key }) => counter.add(key)));
    const giveBack = async (): Promise<void> => {
      await Promise.all(counts.map((count) => count.undo()));
    };
    const waitsMs = counts
      .filter((count, i) => count.consumed > (counters[i]?.counter.limit ?? 0))
      .map((count) => count.endsInMs);
    if (waitsMs.length === 0) return { giveBack };

    await giveBack();
    const retryAfterS = Math.max(1, Math.ceil(Math.max(...waitsMs) / 1_000));
    throw new Refusal('too_many_logins', 'Too many failed logins. Wait as long as Retry-After says, then try again.', {
      retryAfterS,
    });
  }

  private async countersOf(attempt: Attempt): Promise<ReadonlyArray<{ counter: Counter; key: string }>> {
    const keys = await this.keys.get();
    const name = pseudonym(keys, 'account-name', attempt.emailKey).toString('base64url');
    const address = pseudonym(keys, 'address', attempt.addressKey).toString('base64url');
    if (attempt.isKnownAddress) return [{ counter: this.byOwner, key: `${name}:${address}` }];
    return [
      { counter: this.byName, key: name },
      { counter: this.byAddress, key: address },
    ];
  }
}

/** Counts in Redis, or in this process while Redis is away. */
class Counter {
  private readonly shared: RateLimiterAbstract;
  private readonly local: RateLimiterAbstract;

  constructor(
    private readonly redis: Redis,
    name: string,
    readonly limit: number,
  ) {
    const options = { keyPrefix: redis.key(name), points: limit, duration: WINDOW_S };
    this.shared = new RateLimiterRedis({ ...options, storeClient: redis.client });
    this.local = new RateLimiterMemory(options);
  }

  async add(key: string): Promise<Count> {
    try {
      return await this.addTo(this.shared, key, (work) => this.redis.run('count-login', work));
    } catch (error) {
      if (error instanceof Unavailable) return this.addTo(this.local, key, (work) => work());
      throw error;
    }
  }

  private async addTo(
    limiter: RateLimiterAbstract,
    key: string,
    run: <T>(work: () => Promise<T>) => Promise<T>,
  ): Promise<Count> {
    const { consumedPoints, msBeforeNext } = await run(() => limiter.penalty(key));
    // A count that cannot be taken back stays for its window; the login it belongs to goes on.
    const undo = (): Promise<unknown> => run(() => limiter.reward(key)).catch(() => undefined);
    return { consumed: consumedPoints, endsInMs: msBeforeNext, undo };
  }
}
