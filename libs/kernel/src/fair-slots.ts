export interface FairSlotsOptions {
  /** Weight that may run at once, of all keys together. 0: nobody may run. Infinity: no limit. */
  readonly capacity: number;
  /** Weight that may run at once of one key; no limit of its own unless told. One piece of work of a key always may, however heavy. */
  readonly perKey?: number;
  /** Weight of the capacity that only keys with nothing running may use; none unless told. */
  readonly reserved?: number;
  /** How many may wait, of all keys together and of one key. */
  readonly waitingMax: number;
  readonly waitingMaxPerKey?: number;
  /** Longest wait, in milliseconds; without it who waits is let in at some time. */
  readonly waitMs?: number;
  /** What who may not wait, or waited too long, is refused with. */
  readonly refuse: () => Error;
}

interface Waiting {
  readonly weight: number;
  readonly go: () => void;
}

interface KeyState {
  running: number;
  readonly waiting: Waiting[];
}

/**
 * Lets work run while its weight fits, and shares what there is by key (an account): of those that wait, the key with the least weight running is next, and of those the one that came first.
 * So one key that asks for much waits for itself, not the others for it.
 */
export class FairSlots<Key> {
  private readonly keys = new Map<Key, KeyState>();
  private running = 0;
  private waiting = 0;

  constructor(private readonly options: FairSlotsOptions) {}

  /** True when nothing runs or waits. */
  get isIdle(): boolean {
    return this.running === 0 && this.waiting === 0;
  }

  /** Weight that runs just now. */
  get runningWeight(): number {
    return this.running;
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
   * Runs `work` as soon as its weight fits. Work that weighs more than the capacity counts as much as that.
   * @param signal ends the wait early, as if it had been too long
   * @throws what `refuse` makes when too many wait already, or the wait was too long; what `work` throws
   */
  async run<T>(key: Key, weight: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const counted = Math.min(weight, this.options.capacity);
    await this.enter(key, counted, signal);
    try {
      return await work();
    } finally {
      this.leave(key, counted);
    }
  }

  private async enter(key: Key, weight: number, signal: AbortSignal | undefined): Promise<void> {
    const state = this.keys.get(key) ?? { running: 0, waiting: [] };
    if (this.options.capacity === 0 || this.options.perKey === 0 || signal?.aborted === true)
      throw this.options.refuse();
    if (state.waiting.length === 0 && this.mayRun(state, weight) && !this.isAnyAhead(state)) {
      this.keys.set(key, state);
      return this.begin(state, weight);
    }
    const { waitingMax, waitingMaxPerKey = waitingMax } = this.options;
    if (this.waiting >= waitingMax || state.waiting.length >= waitingMaxPerKey) throw this.options.refuse();
    this.keys.set(key, state);
    await this.wait(key, state, weight, signal);
  }

  private wait(key: Key, state: KeyState, weight: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const { waitMs, refuse } = this.options;
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.waiting -= 1;
      };
      const one: Waiting = {
        weight,
        go: () => {
          settle();
          resolve();
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
      this.waiting += 1;
    });
  }

  /** Takes one that waits out of its queue. False when it runs already. */
  private forget(key: Key, state: KeyState, one: Waiting): boolean {
    const at = state.waiting.indexOf(one);
    if (at < 0) return false;
    state.waiting.splice(at, 1);
    if (state.running === 0 && state.waiting.length === 0) this.keys.delete(key);
    // Those behind it may fit where it did not.
    setImmediate(() => this.letIn());
    return true;
  }

  /** True when work waits that would be next before a piece of work of this key. */
  private isAnyAhead({ running }: KeyState): boolean {
    if (this.waiting === 0) return false;
    for (const other of this.keys.values()) {
      const [one] = other.waiting;
      if (one && other.running <= running && this.isWithinShare(other, one.weight)) return true;
    }
    return false;
  }

  private begin(state: KeyState, weight: number): void {
    state.running += weight;
    this.running += weight;
  }

  private leave(key: Key, weight: number): void {
    const state = this.keys.get(key);
    if (!state) return;
    state.running -= weight;
    this.running -= weight;
    // Who was served goes to the end of the order, so that keys with as much running take turns.
    this.keys.delete(key);
    if (state.running > 0 || state.waiting.length > 0) this.keys.set(key, state);
    this.letIn();
  }

  private letIn(): void {
    for (let state = this.next(); state; state = this.next()) {
      const [one] = state.waiting;
      if (!one || !this.mayRun(state, one.weight)) return;
      state.waiting.shift();
      this.begin(state, one.weight);
      one.go();
    }
  }

  /** The key that is next: it waits, may run more, and has the least running. (Keys are in the order in which they came, or were last served.) */
  private next(): KeyState | null {
    let least: KeyState | null = null;
    for (const state of this.keys.values()) {
      const [one] = state.waiting;
      if (one && this.isWithinShare(state, one.weight) && (least === null || state.running < least.running))
        least = state;
    }
    return least;
  }

  private mayRun(state: KeyState, weight: number): boolean {
    const { capacity, reserved = 0 } = this.options;
    return (
      this.isWithinShare(state, weight) &&
      this.running + weight <= (state.running === 0 ? capacity : capacity - reserved)
    );
  }

  private isWithinShare({ running }: KeyState, weight: number): boolean {
    const { perKey = Number.POSITIVE_INFINITY } = this.options;
    return running === 0 || running + weight <= perKey;
  }
}
