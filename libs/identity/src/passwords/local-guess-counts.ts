import { setNewest } from '@edgechat/kernel';
import {
  claimLost,
  claimTold,
  claimUnshared,
  KnownWindows,
  NOTHING,
  uncount,
  type Claim,
  type SharedCount,
  type Told,
} from '@edgechat/platform/redis';
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

/** `Told` is of the failures. */
interface Pair extends Told {
  failures: number;
  waitUntilMs: number;
  underWay: number;
  beganAtMs: number;
  /** Since when Redis had counted, when it spoke of it last: see `COUNTING_SINCE`. */
  since: string;
  forgottenAtMs: number;
}

const NEW_PAIR: Readonly<Pair> = {
  failures: 0,
  unshared: 0,
  inFlight: 0,
  waitUntilMs: 0,
  underWay: 0,
  beganAtMs: 0,
  since: '',
  forgottenAtMs: 0,
};

/** What Redis is told of some keys with the next attempt on them. Who has one gives it to `learn`, or to `restore`. */
export interface GuessClaims {
  readonly askedAtMs: number;
  /** Of the failures; `leftMs` is how long the pair has to wait. */
  readonly pair: Claim;
  /** Of the day and the address, where they count. */
  readonly counters: readonly Claim[];
}

/** What Redis says of some keys. */
export interface SharedGuesses {
  readonly since: string;
  readonly failures: number;
  readonly waitMs: number;
  readonly underWay: number;
  /** Of the day and the address, where they count. */
  readonly counters: readonly SharedCount[];
}

/**
 * Counts guesses in this process while Redis is away, from where Redis was when it spoke last. Keeps 10,000 of each kind; to have one forgotten needs as many checks of passwords.
 * What was counted here Redis is told with the next attempt on the same keys.
 */
export class LocalGuessCounts implements GuessCounts {
  private readonly pairs = new Map<string, Pair>();
  private readonly days = new KnownWindows(ENTRIES_MAX);
  private readonly addresses = new KnownWindows(ENTRIES_MAX);

  /** @param now milliseconds since 1970 */
  constructor(readonly now: () => number = Date.now) {}

  async reserve({ pair: pairKey, day, address }: GuessKeys): Promise<number> {
    const now = this.now();
    const waitMs = Math.max(this.pairWaitMs(pairKey), this.dayWaitMs(day), this.addressWaitMs(address));
    if (waitMs > 0) return waitMs;

    const pair = this.pairOf(pairKey);
    pair.underWay += 1;
    pair.beganAtMs = now;
    this.keep(pairKey, pair, Math.max(UNDER_WAY_MS, pair.forgottenAtMs - now));
    if (address !== null) this.addresses.count(address, now, ADDRESS_WINDOW_MS);
    if (day === null) return 0;

    const restMs = restOfDayMs(now);
    const guesses = this.days.count(day, now, restMs);
    guesses.endsAt = now + (guesses.used < FEW_GUESSES ? Math.min(restMs, FEW_GUESSES_KEPT_MS) : restMs);
    return 0;
  }

  /** A right password is taken back from the counts where it was counted here, and Redis has not been told. */
  async settle(keys: GuessKeys, isRight: boolean): Promise<void> {
    const pair = this.pairOf(keys.pair);
    pair.underWay = Math.max(0, pair.underWay - 1);
    if (isRight) {
      const { underWay, beganAtMs, since } = pair;
      this.keep(keys.pair, { ...NEW_PAIR, underWay, beganAtMs, since }, UNDER_WAY_MS); // what of the old one is in flight is forgotten with it
      for (const { windows, key } of this.countersOf(keys)) {
        const window = windows.find(key, this.now());
        if (window !== undefined) uncount(window);
      }
      return;
    }
    pair.failures += 1;
    pair.unshared += 1;
    pair.waitUntilMs = this.now() + delayMs(pair.failures);
    this.keep(keys.pair, pair, QUIET_MS);
  }

  /** What Redis is to be told. */
  claim(keys: GuessKeys): GuessClaims {
    const now = this.now();
    const pair = this.pairOf(keys.pair);
    const { since, failures, unshared, inFlight, waitUntilMs } = pair;
    const shared = failures - unshared - inFlight;
    return {
      askedAtMs: now,
      pair: { since, shared, leftMs: Math.max(0, waitUntilMs - now), ...claimUnshared(pair) },
      counters: this.countersOf(keys).map(({ windows, key }) => windows.claim(key, now)),
    };
  }

  /** Redis was not told. */
  restore({ pair, counters }: GuessClaims): void {
    for (const claim of [pair, ...counters]) claimLost(claim);
  }

  /** Notes what Redis said. A pair without failures and attempts under way is not kept: attempts that are refused push nobody out. @param claims what it was told with the call */
  learn(keys: GuessKeys, said: SharedGuesses, askedAtMs: number, claims?: GuessClaims): void {
    const { since, failures, waitMs, underWay, counters } = said;
    const pair = this.pairOf(keys.pair);
    claimTold(claims?.pair ?? NOTHING);
    pair.failures = failures + pair.unshared + pair.inFlight;
    Object.assign(pair, { since, underWay, waitUntilMs: askedAtMs + waitMs, beganAtMs: askedAtMs });
    if (pair.failures > 0 || underWay > 0) this.keep(keys.pair, pair, pair.failures > 0 ? QUIET_MS : UNDER_WAY_MS);
    else this.pairs.delete(keys.pair);
    this.learnCounters(keys, counters, askedAtMs, claims?.counters);
  }

  /** Notes what Redis said after `restore`. @param counted what it counted on day and address, where that was done here as well */
  learnLate(keys: GuessKeys, claims: GuessClaims, counted: 0 | 1, { counters }: SharedGuesses): void {
    if (claims.pair.of !== undefined) claims.pair.of.unshared -= claims.pair.unshared;
    this.countersOf(keys).forEach(({ windows, key }, i) => {
      const said = counters[i];
      if (said !== undefined) windows.learnLate(key, claims.counters[i] ?? NOTHING, counted, said, claims.askedAtMs);
    });
  }

  /** Notes that Redis has settled after all what was then settled here, too. */
  learnLateSettle(keys: GuessKeys, isRight: boolean, { counters }: SharedGuesses, askedAtMs: number): void {
    if (!isRight) this.pairOf(keys.pair).unshared -= 1;
    this.learnCounters(keys, counters, askedAtMs);
  }

  private learnCounters(
    keys: GuessKeys,
    counters: readonly SharedCount[],
    askedAtMs: number,
    claims?: readonly Claim[],
  ): void {
    this.countersOf(keys).forEach(({ windows, key }, i) => {
      const said = counters[i];
      if (said !== undefined) windows.learn(key, said, askedAtMs, claims?.[i]);
    });
  }

  private countersOf({ day, address }: GuessKeys): { readonly windows: KnownWindows; readonly key: string }[] {
    return [
      ...(day === null ? [] : [{ windows: this.days, key: day }]),
      ...(address === null ? [] : [{ windows: this.addresses, key: address }]),
    ];
  }

  /** One that is not known is new, and not kept yet. */
  private pairOf(key: string): Pair {
    const now = this.now();
    const known = this.pairs.get(key);
    const pair = known !== undefined && known.forgottenAtMs > now ? known : { ...NEW_PAIR };
    if (now - pair.beganAtMs > UNDER_WAY_MS) pair.underWay = 0;
    return pair;
  }

  private keep(key: string, pair: Pair, lifeMs: number): void {
    pair.forgottenAtMs = this.now() + lifeMs;
    setNewest(this.pairs, key, pair, ENTRIES_MAX);
  }

  private pairWaitMs(key: string): number {
    const { failures, waitUntilMs, underWay } = this.pairOf(key);
    if (waitUntilMs > this.now()) return waitUntilMs - this.now();
    return underWay >= (failures === 0 ? UNDER_WAY_MAX : 1) ? UNDER_WAY_RETRY_MS : 0;
  }

  private dayWaitMs(key: string | null): number {
    const guesses = key === null ? undefined : this.days.find(key, this.now());
    return guesses !== undefined && guesses.used >= GUESSES_PER_DAY ? restOfDayMs(this.now()) : 0;
  }

  private addressWaitMs(key: string | null): number {
    const failures = key === null ? undefined : this.addresses.find(key, this.now());
    return failures !== undefined && failures.used >= FAILURES_PER_ADDRESS ? failures.endsAt - this.now() : 0;
  }
}
