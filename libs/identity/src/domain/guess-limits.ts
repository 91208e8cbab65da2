/** After a name's failures in a row at an address, its next attempt there has to wait: 1, 2, 4 … 60 s, from the last failure on. */
export const DELAY_MAX_MS = 60_000;
/** Failures are forgotten, and the delays start over, when for so long there was none. A right password forgets them at once. */
export const QUIET_MS = 15 * 60_000;
/** Attempts of a name at an address that may be under way at once while it has no failure; afterwards 1. So guesses that come all at once are no more than these. */
export const UNDER_WAY_MAX = 5;
/** For so long an attempt counts as under way whose end nobody told: its process died. */
export const UNDER_WAY_MS = 30_000;
/** Who is refused because of attempts under way may try again after so long. */
export const UNDER_WAY_RETRY_MS = 1_000;

/** Wrong guesses of a name on a day (UTC), over all addresses that are new to its account. */
export const GUESSES_PER_DAY = 100;
/** Names with fewer guesses than this are forgotten 12 hours after the last one, so that guesses of many names do not fill the memory. In a day that happens once at most, to one guess. */
export const FEW_GUESSES = 2;
export const FEW_GUESSES_KEPT_MS = 12 * 60 * 60_000;

/** Failed logins from an address, whatever the names, in a window that begins with the first. */
export const FAILURES_PER_ADDRESS = 50;
export const ADDRESS_WINDOW_MS = 15 * 60_000;

const DAY_MS = 86_400_000;

/** How long an attempt has to wait after so many failures, 1 or more. */
export function delayMs(failures: number): number {
  return Math.min(DELAY_MAX_MS, 1_000 * 2 ** (failures - 1));
}

/** Time until the day (UTC) is over. */
export function restOfDayMs(nowMs: number): number {
  return DAY_MS - (nowMs % DAY_MS);
}

/** What guesses are counted on. */
export interface GuessKeys {
  /** The name at the address: delays grow here. */
  readonly pair: string;
  /** The name on this day, over all addresses that are new to its account; null at one that is not. */
  readonly day: string | null;
  /** The address, over all names; null where it does not matter. */
  readonly address: string | null;
}

/** Counts guesses. What must hold: of attempts at once no more get through than of attempts one after the other, but for the first `UNDER_WAY_MAX`. */
export interface GuessCounts {
  /** Counts an attempt before its password is checked. Returns 0, or how long it has to wait, in milliseconds: then nothing was counted. */
  reserve(keys: GuessKeys): Promise<number>;
  /** Tells how a reserved attempt ended. A right password is taken back from the counts, and ends the delays of the pair. */
  settle(keys: GuessKeys, isRight: boolean): Promise<void>;
}
