import { setNewest } from '@edgechat/kernel';
import {
  ADDRESS_WINDOW_MS,
  delayMs,
  FAILURES_PER_ADDRESS,
  FEW_GUESSES,
  FEW_GUESSES_KEPT_MS,
  GUESSES_PER_DAY,
  QUIET_MS,
  restOfDayMs,
  UNDER_WAY_MAX,
  UNDER_WAY_MS,
  UNDER_WAY_RETRY_MS,
  type GuessCounts,
  type GuessKeys,
} from '../domain/guess-limits.js';

const ENTRIES_MAX = 10_000;

interface Pair {
  readonly failures: number;
  readonly waitUntilMs: number;
  readonly underWay: number;
  readonly beganAtMs: number;
}

const NEW_PAIR: Pair = { failures: 0, waitUntilMs: 0, underWay: 0, beganAtMs: 0 };

/** Counts guesses in this process, while Redis is away. Keeps 10,000 of each kind; to have one forgotten needs as many checks of passwords. */
export class LocalGuessCounts implements GuessCounts {
  private readonly pairs: Expiring<Pair>;
  private readonly days: Expiring<number>;
  private readonly addresses: Expiring<number>;

  /** @param now milliseconds since 1970 */
  constructor(private readonly now: () => number = Date.now) {
    this.pairs = new Expiring(now);
    this.days = new Expiring(now);
    this.addresses = new Expiring(now);
  }

  async reserve(keys: GuessKeys): Promise<number> {
    const waitMs = Math.max(this.pairWaitMs(keys.pair), this.dayWaitMs(keys.day), this.addressWaitMs(keys.address));
    if (waitMs > 0) return waitMs;

    const pair = this.pairOf(keys.pair);
    const lifeMs = Math.max(UNDER_WAY_MS, this.pairs.lifeMs(keys.pair));
    this.pairs.set(keys.pair, { ...pair, underWay: pair.underWay + 1, beganAtMs: this.now() }, lifeMs);
    if (keys.day !== null) {
      const guesses = (this.days.find(keys.day) ?? 0) + 1;
      const restMs = restOfDayMs(this.now());
      this.days.set(keys.day, guesses, guesses < FEW_GUESSES ? Math.min(restMs, FEW_GUESSES_KEPT_MS) : restMs);
    }
    if (keys.address !== null) {
      const failures = (this.addresses.find(keys.address) ?? 0) + 1;
      this.addresses.set(keys.address, failures, failures === 1 ? ADDRESS_WINDOW_MS : null);
    }
    return 0;
  }

  async settle(keys: GuessKeys, isRight: boolean): Promise<void> {
    const pair = this.pairOf(keys.pair);
    const underWay = Math.max(0, pair.underWay - 1);
    if (isRight) {
      this.pairs.set(keys.pair, { ...NEW_PAIR, underWay, beganAtMs: pair.beganAtMs }, UNDER_WAY_MS);
      takeBack(this.days, keys.day);
      takeBack(this.addresses, keys.address);
      return;
    }
    const failures = pair.failures + 1;
    this.pairs.set(keys.pair, { ...pair, underWay, failures, waitUntilMs: this.now() + delayMs(failures) }, QUIET_MS);
  }

  private pairOf(key: string): Pair {
    const pair = this.pairs.find(key) ?? NEW_PAIR;
    return this.now() - pair.beganAtMs > UNDER_WAY_MS ? { ...pair, underWay: 0 } : pair;
  }

  private pairWaitMs(key: string): number {
    const { failures, waitUntilMs, underWay } = this.pairOf(key);
    if (waitUntilMs > this.now()) return waitUntilMs - this.now();
    return underWay >= (failures === 0 ? UNDER_WAY_MAX : 1) ? UNDER_WAY_RETRY_MS : 0;
  }

  private dayWaitMs(key: string | null): number {
    return key !== null && (this.days.find(key) ?? 0) >= GUESSES_PER_DAY ? restOfDayMs(this.now()) : 0;
  }

  private addressWaitMs(key: string | null): number {
    if (key === null || (this.addresses.find(key) ?? 0) < FAILURES_PER_ADDRESS) return 0;
    return this.addresses.lifeMs(key);
  }
}

function takeBack(counts: Expiring<number>, key: string | null): void {
  const count = key === null ? undefined : counts.find(key);
  if (key !== null && count !== undefined && count > 0) counts.set(key, count - 1, null);
}

/** Values that are gone after a time; of more than 10,000 those are forgotten that were set longest ago. */
class Expiring<Value> {
  private readonly entries = new Map<string, { readonly value: Value; readonly untilMs: number }>();

  constructor(private readonly now: () => number) {}

  find(key: string): Value | undefined {
    return this.lifeMs(key) > 0 ? this.entries.get(key)?.value : undefined;
  }

  /** How long a value will still be there; 0 for one that is not. */
  lifeMs(key: string): number {
    return Math.max(0, (this.entries.get(key)?.untilMs ?? 0) - this.now());
  }

  /** @param lifeMs null: as long as it would have been there anyway */
  set(key: string, value: Value, lifeMs: number | null): void {
    const untilMs = this.now() + (lifeMs ?? this.lifeMs(key));
    setNewest(this.entries, key, { value, untilMs }, ENTRIES_MAX);
  }
}
