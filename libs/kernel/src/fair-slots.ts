export interface FairSlotsOptions {
  /** Weight that may run at once, of all keys together. 0: nobody may run. Infinity: no limit. */
  readonly capacity: number;
  /** Weight that may run at once of one key; no limit of its own unless told. One piece of work of a key always may, however heavy. */
  readonly perKey?: number;
  /** Weight of the capacity that is kept for keys with nothing running, and of their work for what weighs no more than this; none unless told. */
  readonly reserved?: number;
  /** Keys that had more weight than this of late, on average, may not use the reserved part; no such limit unless told. */
  readonly reservedForUseUpTo?: number;
  /** How many may wait, of all keys together and of one key. */
  readonly waitingMax: number;
  readonly waitingMaxPerKey?: number;
  /** Longest wait, in milliseconds; without it who waits is let in at some time. */
  readonly waitMs?: number;
  /** What who may not wait, or waited too long, is refused with. */
  readonly refuse: () => Error;
}

/** Which part of the capacity a piece of work takes. */
type Part = 'open' | 'reserved';

interface Waiting {
  readonly weight: number;
  readonly go: (part: Part) => void;
}

/** "Of late": how much a key ran so long ago counts a third (1/e) of what it runs now. */
const RECENT_MS = 10_000;
/** What a key has used is forgotten when it ran nothing for this long. */
const FORGOTTEN_AFTER_MS = 5 * RECENT_MS;
/** Keys that used less than twice this share of the capacity are as good as new, and take turns; from there on twice as much is a level more. */
const LEVEL_SHARE = 1 / 128;

/** Who has less is before: level of what was used of late, weight that runs. */
type Rank = readonly [level: number, running: number];

const isBefore = ([level, running]: Rank, other: Rank): boolean =>
  level === other[0] ? running < other[1] : level < other[0];

interface Next<Key> {
  readonly key: Key;
  readonly state: KeyState;
  readonly one: Waiting;
  readonly rank: Rank;
}

class KeyState {
  running = 0;
  readonly waiting: Waiting[] = [];
  private average = 0;
  private averagedAt = performance.now();

  /** Adds to what runs, or takes from it. */
  run(weight: number): void {
    this.average = this.recentUse();
    this.averagedAt = performance.now();
    this.running += weight;
  }

  /** The weight that it ran of late, on average: the exponential moving average that Unix makes of its load. */
  recentUse(): number {
    return this.running + (this.average - this.running) * Math.exp(-this.idleMs() / RECENT_MS);
  }

  /** Time since it began or ended something. */
  idleMs(): number {
    return performance.now() - this.averagedAt;
  }

  get isIdle(): boolean {
    return this.running === 0 && this.waiting.length === 0;
  }
}

/**
 * Lets work run while its weight fits, and shares what there is by key (an account): of those that wait, the key that used least of late is next (by powers of two), of those the one with the least
 * weight running, of those the one that was served longest ago, or came first. So one key that asks for much waits for itself, not the others for it.
 */
export class FairSlots<Key> {
  /** In the order in which they came, or were last served. What they used is remembered for a while. */
  private readonly keys = new Map<Key, KeyState>();
  private readonly waitingKeys = new Map<Key, KeyState>();
  private readonly running = { open: 0, reserved: 0 };
  private waiting = 0;
  private sweptAt = performance.now();

  constructor(private readonly options: FairSlotsOptions) {}

  /** True when nothing runs or waits. */
  get isIdle(): boolean {
    return this.runningWeight === 0 && this.waiting === 0;
  }

  /** Weight that runs just now. */
  get runningWeight(): number {
    return this.running.open + this.running.reserved;
  }

  /** Pieces of work that wait just now, of all keys. */
  get waitingCount(): number {
    return this.waiting;
  }

  /** What a key has: weight that runs, and how many pieces of work wait. */
  loadOf(key: Key): { readonly running: number; readonly waiting: number } {
    const state = this.keys.get(key);
    return { running: state?.running ?? 0, waiting: state?.waiting.length ?? 0 };
  }

  /**
   * Runs `work` as soon as its weight fits. Work that weighs more than the capacity, less what is reserved, counts as much as that.
   * @param signal ends the wait early, as if it had been too long
   * @throws what `refuse` makes when too many wait already, or the wait was too long; what `work` throws
   */
  async run<T>(key: Key, weight: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { capacity, reserved = 0 } = this.options;
    const counted = Math.min(weight, capacity - reserved);
    const part = await this.enter(key, counted, signal);
    try {
      return await work();
    } finally {
      this.leave(key, part, counted);
    }
  }

  private async enter(key: Key, weight: number, signal: AbortSignal | undefined): Promise<Part> {
    if (this.options.capacity === 0 || this.options.perKey === 0 || signal?.aborted === true)
      throw this.options.refuse();
    const state = this.keys.get(key) ?? new KeyState();
    const part = state.waiting.length === 0 ? this.partFor(state, weight) : null;
    if (part !== null) {
      this.keys.set(key, state);
      this.begin(state, part, weight);
      return part;
    }
    const { waitingMax, waitingMaxPerKey = waitingMax } = this.options;
    if (this.waiting >= waitingMax || state.waiting.length >= waitingMaxPerKey) throw this.options.refuse();
    this.keys.set(key, state);
    return this.wait(key, state, weight, signal);
  }

  private wait(key: Key, state: KeyState, weight: number, signal: AbortSignal | undefined): Promise<Part> {
    return new Promise((resolve, reject) => {
      const { waitMs, refuse } = this.options;
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.waiting -= 1;
      };
      const one: Waiting = {
        weight,
        go: (part) => {
          settle();
          resolve(part);
        },
      };
      const giveUp = (): void => {
        if (!this.forget(key, state, one)) return;
        settle();
        reject(refuse());
      };
      const timer = waitMs === undefined ? undefined : setTimeout(giveUp, waitMs);
      signal?.addEventListener('abort', giveUp, { once: true });
      state.waiting.push(one);
      this.waitingKeys.set(key, state);
      this.waiting += 1;
    });
  }

  /** Takes one that waits out of its queue. False when it runs already. */
  private forget(key: Key, state: KeyState, one: Waiting): boolean {
    const at = state.waiting.indexOf(one);
    if (at < 0) return false;
    state.waiting.splice(at, 1);
    if (state.waiting.length === 0) this.waitingKeys.delete(key);
    // Those behind it may fit where it did not.
    setImmediate(() => this.letIn());
    return true;
  }

  /** True when work waits that would have this part before a piece of work of this key. */
  private isAnyAhead(part: Part, state: KeyState): boolean {
    if (this.waiting === 0) return false;
    const next = this.nextFor(part);
    return next !== null && !isBefore(this.rankOf(state), next.rank);
  }

  private begin(state: KeyState, part: Part, weight: number): void {
    state.run(weight);
    this.running[part] += weight;
  }

  private leave(key: Key, part: Part, weight: number): void {
    const state = this.keys.get(key);
    if (!state) return;
    state.run(-weight);
    this.running[part] -= weight;
    // Who was served goes to the end of the order, so that keys that used as much take turns.
    this.keys.delete(key);
    this.keys.set(key, state);
    if (this.waitingKeys.delete(key)) this.waitingKeys.set(key, state);
    this.letIn();
    this.sweep();
  }

  private letIn(): void {
    this.letInto('open');
    if (this.options.reserved !== undefined) this.letInto('reserved');
  }

  private letInto(part: Part): void {
    for (let next = this.nextFor(part); next; next = this.nextFor(part)) {
      const { key, state, one } = next;
      // Who is next waits for room; others do not slip by, or what is heavy would wait for ever.
      if (!this.hasRoom(part, one.weight)) return;
      state.waiting.shift();
      if (state.waiting.length === 0) this.waitingKeys.delete(key);
      this.begin(state, part, one.weight);
      one.go(part);
    }
  }

  /** The work that is next in this part. */
  private nextFor(part: Part): Next<Key> | null {
    let next: Next<Key> | null = null;
    for (const [key, state] of this.waitingKeys) {
      const [one] = state.waiting;
      if (!one || !this.mayUse(part, state, one.weight)) continue;
      const rank = this.rankOf(state);
      if (next === null || isBefore(rank, next.rank)) next = { key, state, one, rank };
    }
    return next;
  }

  private rankOf(state: KeyState): Rank {
    return [this.levelOf(state), state.running];
  }

  /** What a key used of late, in powers of two of the least that counts. */
  private levelOf(state: KeyState): number {
    const { capacity } = this.options;
    if (!Number.isFinite(capacity)) return 0;
    return Math.max(0, Math.floor(Math.log2(state.recentUse() / (capacity * LEVEL_SHARE))));
  }

  /** The part that has room for a piece of work, and nobody who would have it before; null when none has. */
  private partFor(state: KeyState, weight: number): Part | null {
    const isFree = (part: Part): boolean =>
      this.mayUse(part, state, weight) && this.hasRoom(part, weight) && !this.isAnyAhead(part, state);
    if (isFree('open')) return 'open';
    return isFree('reserved') ? 'reserved' : null;
  }

  private hasRoom(part: Part, weight: number): boolean {
    const { capacity, reserved = 0 } = this.options;
    return this.running[part] + weight <= (part === 'open' ? capacity - reserved : reserved);
  }

  private mayUse(part: Part, state: KeyState, weight: number): boolean {
    const { perKey = Infinity, reserved = 0, reservedForUseUpTo = Infinity } = this.options;
    if (part === 'open') return state.running === 0 || state.running + weight <= perKey;
    return state.running === 0 && weight <= reserved && state.recentUse() <= reservedForUseUpTo;
  }

  /** Forgets keys that ran nothing for long. Now and then: each look is at all of them. */
  private sweep(): void {
    if (performance.now() - this.sweptAt < FORGOTTEN_AFTER_MS) return;
    this.sweptAt = performance.now();
    for (const [key, state] of this.keys)
      if (state.isIdle && state.idleMs() >= FORGOTTEN_AFTER_MS) this.keys.delete(key);
  }
}
