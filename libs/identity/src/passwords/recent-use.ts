import { setNewest } from '@edgechat/kernel';

/** "Of late": what was used so long ago counts a third (1/e). */
const RECENT_MS = 10_000;
/** Keys beyond this many are forgotten, those first that were used longest ago. A key that was used once 50 s ago counts next to nothing. */
const KEYS_MAX = 10_000;

/** How often a key was used of late: each use counts 1 and fades. In memory, bounded. */
export class RecentUse {
  /** In the order of their last use. */
  private readonly uses = new Map<string, { readonly amount: number; readonly atMs: number }>();

  /** @param nowMs of a clock that never goes back */
  amountOf(key: string, nowMs: number): number {
    const use = this.uses.get(key);
    return use === undefined ? 0 : use.amount * Math.exp((use.atMs - nowMs) / RECENT_MS);
  }

  add(key: string, nowMs: number): void {
    const amount = this.amountOf(key, nowMs) + 1;
    setNewest(this.uses, key, { amount, atMs: nowMs }, KEYS_MAX);
  }
}
