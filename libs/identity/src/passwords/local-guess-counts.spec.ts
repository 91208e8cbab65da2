import { randomUUID } from 'node:crypto';
import { FAILURES_PER_ADDRESS } from '../domain/guess-limits.js';
import { LocalGuessCounts } from './local-guess-counts.js';
import { itCountsGuesses } from './test-guess-counts.js';

describe('guesses, counted in the process', () => {
  itCountsGuesses(() => {
    let nowMs = Date.now();
    const pass = async (ms: number): Promise<void> => void (nowMs += ms);
    return { counts: new LocalGuessCounts(() => nowMs), pass };
  });

  it('are kept of 10,000 addresses', async () => {
    const counts = new LocalGuessCounts();
    const count = (address: string): Promise<number> => counts.reserve({ pair: randomUUID(), day: null, address });
    for (let n = 0; n < FAILURES_PER_ADDRESS; n += 1) await count('oldest');
    expect(await count('oldest')).toBeGreaterThan(0);
    for (let n = 0; n < 10_000; n += 1) await count(`address ${n}`);
    expect(await count('oldest')).toBe(0);
  });

  const said = { since: 's', failures: 0, waitMs: 0, underWay: 0, counters: [] };
  const keysOf = (pair: string) => ({ pair, day: null, address: null });

  it('of a pair are not pushed out by attempts that Redis refused, however many', async () => {
    const counts = new LocalGuessCounts(() => 0);
    counts.learn(keysOf('guessed'), { ...said, failures: 3, waitMs: 4_000 }, 0);
    for (let n = 0; n < 20_000; n += 1) counts.learn(keysOf(`refused ${n}`), said, 0);
    expect(await counts.reserve(keysOf('guessed'))).toBe(4_000);
  });

  it('that are told to Redis just now are not known to be there, and are told again when that was lost', async () => {
    const counts = new LocalGuessCounts(() => 0);
    const keys = keysOf('a');
    counts.learn(keys, { ...said, failures: 3 }, 0);
    await counts.settle(keys, false);
    const [lost, answered] = [counts.claim(keys), counts.claim(keys)];
    expect([lost.pair, answered.pair]).toMatchObject([
      { shared: 3, unshared: 1 },
      { shared: 3, unshared: 0 },
    ]);
    counts.restore(lost);
    counts.learn(keys, { ...said, failures: 3 }, 0, answered);
    expect(counts.claim(keys).pair).toMatchObject({ shared: 3, unshared: 1 });
  });

  it('before a right password are not told after it', async () => {
    const counts = new LocalGuessCounts(() => 0);
    const keys = keysOf('a');
    await counts.settle(keys, false);
    const claims = counts.claim(keys);
    await counts.settle(keys, true);
    counts.restore(claims);
    expect(counts.claim(keys).pair).toMatchObject({ shared: 0, unshared: 0 });
  });
});
