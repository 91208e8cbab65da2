/** Something that may happen so often in a window, which begins with its first count and lasts its whole length. */
export interface WindowCounter {
  /** Of its own among all that the same `WindowCounters` count. */
  readonly key: string;
  /** How often in a window; 0 is never. */
  readonly max: number;
  /** Whole seconds. */
  readonly windowS: number;
}

export interface WindowCount {
  /** With this one; more than `max` when there was no room for it. */
  readonly used: number;
  readonly isUsedUp: boolean;
  readonly endsInMs: number;
}

/** What became of an attempt to count. */
export interface Taken {
  /** One of the counters was used up, and none was counted on. */
  readonly isRefused: boolean;
  /** In the order of the counters. */
  readonly counts: readonly WindowCount[];
  /** Takes the counts back where they were made, for what did not happen after all. Never fails: one that cannot be taken back stays until its window ends. */
  readonly giveBack: () => Promise<void>;
}

export const countOf = (used: number, max: number, endsInMs: number): WindowCount => ({
  used,
  isUsedUp: used > max,
  endsInMs: Math.max(0, endsInMs),
});
