import { setNewest } from '@edgechat/kernel';

/** Of what was counted here: what Redis has not been told, and what it was told without an answer yet. */
export interface Told {
  /** Below 0 for what Redis counted, late, that was told once more. */
  unshared: number;
  inFlight: number;
}

/** What this process knows of a counter. Instants are of whatever clock its user has, in milliseconds. */
export interface KnownWindow extends Told {
  /** What was counted: in Redis, as its last answer said, and here since. */
  used: number;
  endsAt: number;
  /** See `COUNTING_SINCE`, as that answer said; empty before any. */
  since: string;
}

/** What Redis is told of a counter with the next call that counts on it. Who has a claim gives it to `learn` or `claimLost`. */
export interface Claim {
  readonly since: string;
  /** What Redis had at its last answer. */
  readonly shared: number;
  readonly unshared: number;
  readonly leftMs: number;
  /** Whose `inFlight` it is part of; undefined of nothing. */
  readonly of?: Told;
}

/** What Redis answers of a counter. */
export interface SharedCount {
  readonly since: string;
  readonly count: number;
  readonly leftMs: number;
}

/**
 * The name of the key in Redis that says since when it has kept counters: a random text, which goes with the counters when Redis loses its data.
 * With another one than a process knows, what that process saw before is what a counter has at least. (With the same one it may be less: others gave some back.)
 */
export const COUNTING_SINCE = 'counting-since';

/** Windows that a process knows at most: about 250 bytes each. Of more the one is forgotten that was used longest ago. */
export const KNOWN_WINDOWS_MAX = 20_000;

/** Takes back one that was counted here. What Redis was told of meanwhile stays counted until the window ends. */
export function uncount(window: KnownWindow): void {
  if (window.unshared <= 0) return;
  window.used -= 1;
  window.unshared -= 1;
}

/** What of these Redis is to be told now. */
export function claimUnshared(of: Told): Pick<Claim, 'unshared' | 'of'> {
  const { unshared } = of;
  of.unshared = 0;
  of.inFlight += unshared;
  return { unshared, of };
}

/** Redis answered a claim. */
export function claimTold({ of, unshared }: Claim): void {
  if (of !== undefined) of.inFlight -= unshared;
}

/** Redis was not told. (What has ended or was forgotten meanwhile stays so.) */
export function claimLost(claim: Claim): void {
  claimTold(claim);
  if (claim.of !== undefined) claim.of.unshared += claim.unshared;
}

/** A claim as a script takes it. */
export const argumentsOfClaim = ({ since, shared, unshared, leftMs }: Claim): readonly (string | number)[] => [
  since,
  shared,
  unshared,
  leftMs,
];

/** Of a counter that is not known. */
export const NOTHING: Claim = { since: '', shared: 0, unshared: 0, leftMs: 0 };

/**
 * Counters as this process knows them, so that it can go on counting where Redis was when that is away, and so that Redis can be told what was counted meanwhile.
 * A window ends here when it ends in Redis, or a round trip before.
 */
export class KnownWindows {
  private readonly windows = new Map<string, KnownWindow>();

  constructor(private readonly max = KNOWN_WINDOWS_MAX) {}

  get size(): number {
    return this.windows.size;
  }

  /** Undefined for one that is not known or has ended. */
  find(key: string, now: number): KnownWindow | undefined {
    const window = this.windows.get(key);
    return window !== undefined && window.endsAt > now ? window : undefined;
  }

  /** Counts one that Redis is to be told of, in a window that begins now if there is none. */
  count(key: string, now: number, windowMs: number): KnownWindow {
    const window = this.find(key, now) ?? { used: 0, unshared: 0, inFlight: 0, endsAt: now + windowMs, since: '' };
    window.used += 1;
    window.unshared += 1;
    setNewest(this.windows, key, window, this.max);
    return window;
  }

  /** One that Redis had counted was given back there. */
  giveBack(key: string, now: number): void {
    const window = this.find(key, now);
    if (window !== undefined && window.used > window.unshared + window.inFlight) window.used -= 1;
  }

  /** What Redis is to be told. Nothing of it is told twice. */
  claim(key: string, now: number): Claim {
    const window = this.find(key, now);
    if (window === undefined) return NOTHING;
    const { since, used, unshared, inFlight, endsAt } = window;
    return {
      since,
      shared: used - unshared - inFlight,
      leftMs: Math.ceil(endsAt - now),
      ...claimUnshared(window),
    };
  }

  /**
   * Notes what Redis said to a call. (Redis answers in order: what is in flight after this one it has not counted yet.)
   * @param askedAt when the call was made: from then on, what is left was less
   * @param claim what the call told, unless that was restored
   */
  learn(key: string, { count, leftMs, since }: SharedCount, askedAt: number, claim: Claim = NOTHING): void {
    claimTold(claim);
    const known = this.find(key, askedAt);
    const window = known ?? { used: 0, unshared: 0, inFlight: 0, endsAt: 0, since };
    window.used = count + window.unshared + window.inFlight;
    window.endsAt = askedAt + leftMs;
    window.since = since;
    if (window.used > 0) setNewest(this.windows, key, window, this.max);
    else this.windows.delete(key);
  }

  /** Notes an answer that came after `claimLost`, when what it counted had been counted here as well. @param counted what the call itself counted */
  learnLate(key: string, claim: Claim, counted: 0 | 1, answer: SharedCount, askedAt: number): void {
    const window = this.find(key, askedAt);
    if (window !== undefined) window.unshared -= counted + (window === claim.of ? claim.unshared : 0);
    this.learn(key, answer, askedAt);
  }
}
