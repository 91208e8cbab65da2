import { randomUUID } from 'node:crypto';
import {
  ADDRESS_WINDOW_MS,
  DELAY_MAX_MS,
  FAILURES_PER_ADDRESS,
  FEW_GUESSES,
  FEW_GUESSES_KEPT_MS,
  GUESSES_PER_DAY,
  QUIET_MS,
  UNDER_WAY_MAX,
  UNDER_WAY_MS,
  UNDER_WAY_RETRY_MS,
  type GuessCounts,
  type GuessKeys,
} from '../domain/guess-limits.js';

export interface GuessCountsUnderTest {
  readonly counts: GuessCounts;
  /** Lets time pass, for everything that is counted. */
  pass(ms: number): Promise<void>;
}

/** What every implementation of `GuessCounts` has to do. For tests. */
export function itCountsGuesses(make: () => GuessCountsUnderTest): void {
  const aPair = (more: Partial<GuessKeys> = {}): GuessKeys => ({
    pair: randomUUID(),
    day: null,
    address: null,
    ...more,
  });
  const fail = async ({ counts }: GuessCountsUnderTest, keys: GuessKeys): Promise<number> => {
    const waitMs = await counts.reserve(keys);
    if (waitMs === 0) await counts.settle(keys, false);
    return waitMs;
  };
  const failures = async (tested: GuessCountsUnderTest, times: number, keys: () => GuessKeys): Promise<number[]> => {
    const waits: number[] = [];
    for (let n = 0; n < times; n += 1) waits.push(await fail(tested, keys()));
    return waits;
  };
  const inSeconds = (waitMs: number): number => Math.ceil(waitMs / 1_000);

  it('with delays of 1, 2, 4 … 60 s after each failure of a pair, and none of another', async () => {
    const tested = make();
    const keys = aPair();
    const delays: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      expect(await fail(tested, keys)).toBe(0);
      const waitMs = await fail(tested, keys);
      delays.push(inSeconds(waitMs));
      await tested.pass(waitMs);
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(await tested.counts.reserve(aPair())).toBe(0);
  });

  it('with delays that start over after a right password, and after a quiet time', async () => {
    const tested = make();
    for (const end of ['right', 'quiet'] as const) {
      const keys = aPair();
      for (let n = 0; n < 3; n += 1) await fail(tested, keys).then(() => tested.pass(DELAY_MAX_MS));
      if (end === 'quiet') await tested.pass(QUIET_MS);
      else await tested.counts.reserve(keys).then(() => tested.counts.settle(keys, true));
      expect(await fail(tested, keys)).toBe(0);
      expect(inSeconds(await fail(tested, keys))).toBe(1);
    }
  });

  it('with 5 under way at once of a pair without failures, and 1 of one that had some', async () => {
    const tested = make();
    const { counts } = tested;
    const keys = aPair();
    const atOnce = (): Promise<number[]> => Promise.all(Array.from({ length: 20 }, () => counts.reserve(keys)));
    const waits = await atOnce();
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(UNDER_WAY_MAX);
    expect(new Set(waits)).toEqual(new Set([0, UNDER_WAY_RETRY_MS]));

    for (let n = 0; n < UNDER_WAY_MAX; n += 1) await counts.settle(keys, n > 0);
    await fail(tested, keys);
    await tested.pass(1_000);
    expect((await atOnce()).filter((waitMs) => waitMs === 0)).toHaveLength(1);
  });

  it('and forget one under way whose end nobody told', async () => {
    const tested = make();
    const keys = aPair();
    await fail(tested, keys);
    await tested.pass(1_000);
    expect(await tested.counts.reserve(keys)).toBe(0);
    expect(await tested.counts.reserve(keys)).toBe(UNDER_WAY_RETRY_MS);
    await tested.pass(UNDER_WAY_MS + 1);
    expect(await tested.counts.reserve(keys)).toBe(0);
  });

  it('of a name 100 on a day over all pairs, at once too, and those that were right do not count', async () => {
    const tested = make();
    const { counts } = tested;
    const day = randomUUID();
    const right = aPair({ day });
    for (let n = 0; n < 10; n += 1) await counts.reserve(right).then(() => counts.settle(right, true));
    const waits = await Promise.all(Array.from({ length: 200 }, () => fail(tested, aPair({ day }))));
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(GUESSES_PER_DAY);

    const waitMs = await counts.reserve(aPair({ day }));
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(86_400_000);
    expect(await counts.reserve(aPair({ day: randomUUID() }))).toBe(0);
    await tested.pass(waitMs);
    expect(await counts.reserve(aPair({ day }))).toBe(0);
  });

  it('of a name that had few are forgotten an hour after the last one', async () => {
    const tested = make();
    const [few, many] = [randomUUID(), randomUUID()];
    await failures(tested, FEW_GUESSES - 1, () => aPair({ day: few }));
    await failures(tested, FEW_GUESSES, () => aPair({ day: many }));
    await tested.pass(Math.min(FEW_GUESSES_KEPT_MS, 86_400_000 - (Date.now() % 86_400_000)));
    for (const day of [few, many]) await failures(tested, GUESSES_PER_DAY - FEW_GUESSES, () => aPair({ day }));
    expect(await fail(tested, aPair({ day: few }))).toBe(0);
  });

  it('from an address 50, over all pairs, until its window is over', async () => {
    const tested = make();
    const address = randomUUID();
    const waits = await Promise.all(Array.from({ length: 60 }, () => fail(tested, aPair({ address }))));
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(FAILURES_PER_ADDRESS);

    const waitMs = await tested.counts.reserve(aPair({ address }));
    expect(waitMs).toBeGreaterThan(ADDRESS_WINDOW_MS - 60_000);
    await tested.pass(waitMs);
    expect(await fail(tested, aPair({ address }))).toBe(0);
  });

  it('all or none: what is refused by one count is not counted on the others', async () => {
    const tested = make();
    const [address, day] = [randomUUID(), randomUUID()];
    await failures(tested, FAILURES_PER_ADDRESS, () => aPair({ address }));
    await failures(tested, GUESSES_PER_DAY + 50, () => aPair({ address, day }));
    expect(await fail(tested, aPair({ day }))).toBe(0);
  });
}
