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
});
