import type { AccountId } from '@edgechat/kernel';

/** Requests of one account within one minute. */
export interface Bucket {
  readonly accountId: AccountId;
  /** The minute's beginning, in milliseconds of Unix time. */
  readonly minuteMs: number;
  requests: number;
}

export const MINUTE_MS = 60_000;
/** Far above what a process serves between two flushes; beyond it counts are dropped rather than the memory filled. */
export const BUCKETS_MAX = 100_000;

/** Requests counted since the last flush, by account and minute. Bounded: beyond `BUCKETS_MAX` buckets new ones are dropped and told. */
export class RequestBatch {
  private readonly buckets = new Map<string, Bucket>();
  private lost = 0;

  /** Requests that found no room. */
  get dropped(): number {
    return this.lost;
  }

  get isEmpty(): boolean {
    return this.buckets.size === 0;
  }

  count(accountId: AccountId, atMs: number): void {
    const minuteMs = atMs - (atMs % MINUTE_MS);
    const key = `${accountId}:${minuteMs}`;
    const bucket = this.buckets.get(key);
    if (bucket) bucket.requests += 1;
    else if (this.buckets.size < BUCKETS_MAX) this.buckets.set(key, { accountId, minuteMs, requests: 1 });
    else this.lost += 1;
  }

  /** The buckets in the order of account and minute, which is the order in which every process locks their rows. */
  toRows(): readonly Bucket[] {
    return [...this.buckets.values()].sort((a, b) => a.accountId - b.accountId || a.minuteMs - b.minuteMs);
  }
}
