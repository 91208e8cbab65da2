import { Injectable } from '@nestjs/common';
import { Breaker, Refusal, type AccountId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis } from '@edgechat/platform/redis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';

/** Redis answers a count in under 1 ms; a request waits this long for one that hangs, and then not again for a second. */
const REDIS_TIMEOUT_MS = 250;

/** What a key has left after one more request. */
export interface Allowance {
  readonly isExceeded: boolean;
  readonly remaining: number;
  /** Whole seconds until the window ends. */
  readonly resetS: number;
}

/** How many may be counted on a key in a window, and the name that its keys in Redis begin with. */
interface Window {
  readonly name: string;
  readonly points: number;
  readonly durationS: number;
}

/**
 * Counts per key in windows that begin with their first count, in Redis for all replicas together.
 * While Redis is away the same limit holds in each process by itself: a limit, not none.
 */
class Windows {
  private readonly shared: RateLimiterAbstract;
  private readonly own: RateLimiterAbstract;
  private readonly patience = { deadlineMs: REDIS_TIMEOUT_MS, breaker: new Breaker() };

  constructor(
    private readonly window: Window,
    private readonly redis: Redis,
    private readonly log: Log,
  ) {
    const limits = { points: window.points, duration: window.durationS };
    this.shared = new RateLimiterRedis({
      ...limits,
      storeClient: redis.client,
      keyPrefix: redis.key(window.name),
      rejectIfRedisNotReady: true,
    });
    this.own = new RateLimiterMemory(limits);
  }

  /** Counts one on `key`; never fails. */
  count(key: string): Promise<Allowance> {
    const wasAway = this.patience.breaker.isOpen;
    return this.redis
      .run('rate-limit', () => consume(this.shared, key), this.patience)
      .catch((error: unknown) => {
        if (!wasAway)
          this.log.warn('Redis does not count: each process limits by itself until it does', {
            counter: this.window.name,
            error,
          });
        return consume(this.own, key);
      });
  }
}

/** The limit of requests per account or address. */
@Injectable()
export class RateLimit {
  /** What is allowed, as the header `RateLimit-Policy` says it; null when there is no limit. */
  readonly policy: string | null;
  private readonly windows: Windows | null;

  constructor(config: Config, redis: Redis, log: Log) {
    const [points, durationS] = [config.rateLimitRequests, config.rateLimitWindowSeconds];
    const isLimited = Number.isFinite(points);
    this.policy = isLimited ? `"default";q=${points};w=${durationS}` : null;
    this.windows = isLimited ? new Windows({ name: 'rate', points, durationS }, redis, log) : null;
  }

  /** Counts one request on `key`; never fails. Null, and nothing counted, when there is no limit. */
  count(key: string): Promise<Allowance | null> {
    return this.windows?.count(key) ?? Promise.resolve(null);
  }
}

/** How many e-mail addresses an account may look up in `LOOKUP_WINDOW_S`: enough to find people one knows, too few to find out who is here. */
export const LOOKUPS_MAX = 30;
const LOOKUP_WINDOW_S = 60;

/** The limit of looking accounts up by their e-mail addresses. */
@Injectable()
export class LookupLimit {
  private readonly windows: Windows;

  constructor(redis: Redis, log: Log) {
    this.windows = new Windows({ name: 'lookups', points: LOOKUPS_MAX, durationS: LOOKUP_WINDOW_S }, redis, log);
  }

  /** Counts one look-up of an account, whatever it will find. @throws Refusal `too_many_lookups` with the seconds to wait */
  async count(account: AccountId): Promise<void> {
    const { isExceeded, resetS } = await this.windows.count(String(account));
    if (isExceeded)
      throw new Refusal(
        'too_many_lookups',
        `An account looks up at most ${LOOKUPS_MAX} addresses per minute. Wait as long as Retry-After says.`,
        { retryAfterS: resetS },
      );
  }
}

function consume(limiter: RateLimiterAbstract, key: string): Promise<Allowance> {
  return limiter.consume(key).then(
    (state) => allowance(state, false),
    (refused: unknown) => {
      if (refused instanceof RateLimiterRes) return allowance(refused, true);
      throw refused;
    },
  );
}

function allowance(state: RateLimiterRes, isExceeded: boolean): Allowance {
  return {
    isExceeded,
    remaining: Math.max(0, state.remainingPoints),
    resetS: Math.max(1, Math.ceil(state.msBeforeNext / 1_000)),
  };
}
