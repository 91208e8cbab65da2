import { Injectable } from '@nestjs/common';
import { atMost, Breaker } from '@edgechat/kernel';
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

/**
 * Counts requests per key in windows that begin with their first request, in Redis for all replicas together.
 * While Redis is away the same limit holds in each process by itself: a limit, not none.
 */
@Injectable()
export class RateLimit {
  readonly limit: number;
  readonly windowS: number;
  private readonly shared: RateLimiterAbstract;
  private readonly own: RateLimiterAbstract;
  private readonly breaker = new Breaker();

  constructor(config: Config, private readonly redis: Redis, private readonly log: Log) {
    this.limit = config.rateLimitRequests;
    this.windowS = config.rateLimitWindowSeconds;
    const window = { points: this.limit, duration: this.windowS };
    this.shared = new RateLimiterRedis({ ...window, storeClient: redis.client, keyPrefix: redis.key('rate'), rejectIfRedisNotReady: true });
    this.own = new RateLimiterMemory(window);
  }

  /** Counts one request on `key`; never fails. */
  async count(key: string): Promise<Allowance> {
    const wasAway = this.breaker.isOpen;
    try {
      return await this.breaker.run(() => withinTimeout(this.redis.run('rate-limit', () => consume(this.shared, key))), () => true);
    } catch (error) {
      if (!wasAway) this.log.warn('Redis does not count requests: each process limits by itself until it does', { error });
      return consume(this.own, key);
    }
  }
}

async function consume(limiter: RateLimiterAbstract, key: string): Promise<Allowance> {
  try {
    return allowance(await limiter.consume(key), false);
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return allowance(refused, true);
    throw refused;
  }
}

function allowance(state: RateLimiterRes, isExceeded: boolean): Allowance {
  return { isExceeded, remaining: Math.max(0, state.remainingPoints), resetS: Math.max(1, Math.ceil(state.msBeforeNext / 1_000)) };
}

async function withinTimeout<T>(work: Promise<T>): Promise<T> {
  const result = await atMost(REDIS_TIMEOUT_MS, work);
  if (result.isLate) throw new Error(`no answer in ${REDIS_TIMEOUT_MS} ms`);
  return result.value;
}
