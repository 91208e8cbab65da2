import { uncount, type KnownWindows } from './known-windows.js';
import { countOf, type Taken, type WindowCounter } from './window-count.js';

/** Counts in this process alone, on what it knows. Instants are of the monotonic clock, in milliseconds. */
export class OwnCounters {
  constructor(private readonly known: KnownWindows) {}

  /** Counts one on each of the counters, or on none when one of them is used up. (What was refused is not kept: it cannot push others out.) */
  take(counters: readonly WindowCounter[], now: number): Taken {
    const counts = counters.map(({ key, max, windowS }) => {
      const { used, endsAt } = this.known.find(key, now) ?? { used: 0, endsAt: now + windowS * 1_000 };
      return countOf(used + 1, max, endsAt - now);
    });
    const isRefused = counts.some(({ isUsedUp }) => isUsedUp);
    if (isRefused) return { isRefused, counts, giveBack: () => Promise.resolve() };

    const counted = counters.map(({ key, windowS }) => this.known.count(key, now, windowS * 1_000));
    const giveBack = (): Promise<void> => {
      counted.splice(0).forEach(uncount);
      return Promise.resolve();
    };
    return { isRefused, counts, giveBack };
  }
}
