import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId, type SessionId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis, WindowCounters, type WindowCount } from '@edgechat/platform/redis';

/** Redis answers a count in under 1 ms; a request waits this long for one that hangs, and then not again for a second. */
const REDIS_TIMEOUT_MS = 250;

/** What a key has left after one more request. */
export interface Allowance {
  readonly isExceeded: boolean;
  readonly remaining: number;
  /** Whole seconds until the window ends. */
  readonly resetS: number;
  /** Whole seconds to wait, where they are not those until the key's own window ends: what it shares with others is used up. */
  readonly retryAfterS?: number;
}

/** A client refreshes once in a quarter of an hour. So many refreshes of a session in a window no other session of its address can take from it. */
export const REFRESHES_OF_ITS_OWN = 5;

/**
 * The limit of requests: of each account, and of each address for requests without an account.
 * Accounts are free, so those of an address share a limit as well while they are new, `RATE_LIMIT_ADDRESS_FACTOR` times that of one.
 */
@Injectable()
export class RateLimit {
  /** What is allowed, as the header `RateLimit-Policy` says it; null when there is no limit. */
  readonly policy: string | null;
  private readonly counters: WindowCounters;
  private readonly max: number;
  private readonly windowS: number;
  /** Of an address: Infinity when there is no such limit. */
  private readonly sharedMax: number;

  constructor(config: Config, redis: Redis, log: Log) {
    this.max = config.rateLimitRequests;
    this.windowS = config.rateLimitWindowSeconds;
    const factor = config.rateLimitAddressFactor;
    this.sharedMax = Number.isFinite(factor) && Number.isFinite(this.max) ? this.max * factor : Infinity;
    this.policy = Number.isFinite(this.max) ? `"default";q=${this.max};w=${this.windowS}` : null;
    this.counters = new WindowCounters(redis, log, { name: 'rate', deadlineMs: REDIS_TIMEOUT_MS });
  }

  /**
   * Counts one request on `key`; never fails. Null, and nothing counted, when there is no limit.
   * @param newAt the key of the address, for a request of a new account: it is counted there as well. A request that one of the two refuses counts on neither.
   */
  count(key: string, newAt: string | null = null): Promise<Allowance | null> {
    return this.take(key, newAt === null ? null : `new:${newAt}`);
  }

  /**
   * Counts one use of a refresh token that is ours on its session; never fails. Null, and nothing counted, when there is no limit.
   * Beyond `REFRESHES_OF_ITS_OWN` the sessions of an address share a limit as well, so that one who keeps many of them cannot refresh without end.
   * @param at the key of the address
   */
  async countRefresh(session: SessionId, at: string): Promise<Allowance | null> {
    const allowance = await this.take(`session:${session}`, null);
    if (allowance === null || allowance.isExceeded || !Number.isFinite(this.sharedMax)) return allowance;
    if (this.max - allowance.remaining <= REFRESHES_OF_ITS_OWN) return allowance;

    const { isExceeded, resetS } = await this.takeOne(`refreshes:${at}`, this.sharedMax);
    return isExceeded ? { ...allowance, isExceeded, retryAfterS: resetS } : allowance;
  }

  private async take(key: string, sharedKey: string | null): Promise<Allowance | null> {
    if (this.policy === null) return null;
    if (sharedKey === null || !Number.isFinite(this.sharedMax)) return this.takeOne(key, this.max);

    const own = { key, max: this.max, windowS: this.windowS };
    const shared = { key: sharedKey, max: this.sharedMax, windowS: this.windowS };
    const { counts, isRefused } = await this.counters.take([own, shared]);
    const [ofKey, ofShared] = counts;
    const allowance = allowanceOf(ofKey, this.max, isRefused);
    return isRefused && ofKey?.isUsedUp === false
      ? { ...allowance, remaining: allowance.remaining + 1, retryAfterS: wholeSeconds(ofShared) }
      : allowance;
  }

  private async takeOne(key: string, max: number): Promise<Allowance> {
    const { counts, isRefused } = await this.counters.take([{ key, max, windowS: this.windowS }]);
    return allowanceOf(counts[0], max, isRefused);
  }
}

/** How many e-mail addresses an account may look up in `LOOKUP_WINDOW_S`: enough to find people one knows, too few to find out who is here. */
export const LOOKUPS_MAX = 30;
const LOOKUP_WINDOW_S = 60;

/** The limit of looking accounts up by their e-mail addresses. */
@Injectable()
export class LookupLimit {
  private readonly counters: WindowCounters;

  constructor(redis: Redis, log: Log) {
    this.counters = new WindowCounters(redis, log, { name: 'lookups', deadlineMs: REDIS_TIMEOUT_MS });
  }

  /** Counts one look-up of an account, whatever it will find. @throws Refusal `too_many_lookups` with the seconds to wait */
  async count(account: AccountId): Promise<void> {
    const counter = { key: String(account), max: LOOKUPS_MAX, windowS: LOOKUP_WINDOW_S };
    const { isRefused, counts } = await this.counters.take([counter]);
    if (isRefused)
      throw new Refusal(
        'too_many_lookups',
        `An account looks up at most ${LOOKUPS_MAX} addresses per minute. Wait as long as Retry-After says.`,
        { retryAfterS: wholeSeconds(counts[0]) },
      );
  }
}

function allowanceOf(count: WindowCount | undefined, max: number, isExceeded: boolean): Allowance {
  return { isExceeded, remaining: Math.max(0, max - (count?.used ?? 0)), resetS: wholeSeconds(count) };
}

const wholeSeconds = (count: WindowCount | undefined): number => Math.max(1, Math.ceil((count?.endsInMs ?? 0) / 1_000));
