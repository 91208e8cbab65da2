import { claimLost, KnownWindows, uncount } from './known-windows.js';

/** Redis said of `key`, at 0: so many, for a minute more. */
const after = (count: number, key = 'a', since = 'first'): KnownWindows => {
  const known = new KnownWindows();
  known.learn(key, { since, count, leftMs: 60_000 }, 0);
  return known;
};

describe('what a process knows of the counters in Redis', () => {
  it('is what Redis said last, and what was counted here since', () => {
    const known = after(99);
    known.count('a', 1_000, 60_000);
    expect(known.find('a', 1_000)).toEqual({ used: 100, unshared: 1, inFlight: 0, endsAt: 60_000, since: 'first' });
    expect(known.find('b', 1_000)).toBeUndefined();
  });

  it('ends with the window in Redis, and begins one of its own after it', () => {
    const known = after(99);
    expect(known.find('a', 59_999)?.used).toBe(99);
    expect(known.find('a', 60_000)).toBeUndefined();
    expect(known.claim('a', 60_000)).toEqual({ since: '', shared: 0, unshared: 0, leftMs: 0 });
    expect(known.count('a', 60_000, 60_000)).toEqual({ used: 1, unshared: 1, inFlight: 0, endsAt: 120_000, since: '' });
  });

  it('is told once, also when calls are made at once; what was not told is told with the next', () => {
    const known = after(10);
    for (let n = 0; n < 5; n += 1) known.count('a', 0, 60_000);
    const [first, second] = [known.claim('a', 0), known.claim('a', 0)];
    expect(first).toMatchObject({ since: 'first', shared: 10, unshared: 5, leftMs: 60_000 });
    expect(second).toMatchObject({ since: 'first', shared: 10, unshared: 0, leftMs: 60_000 });

    claimLost(second);
    claimLost(first);
    known.count('a', 0, 60_000);
    expect(known.claim('a', 0)).toMatchObject({ shared: 10, unshared: 6 });
  });

  it('is not in Redis while that has not answered: a call that was lost is told again, and no other told the same', () => {
    const known = after(10);
    for (let n = 0; n < 5; n += 1) known.count('a', 0, 60_000);
    const lost = known.claim('a', 0);
    const answered = known.claim('a', 0); // Redis has lost its data: it restores what is told to be there, 10, and counts 1
    expect(answered).toMatchObject({ shared: 10, unshared: 0 });
    claimLost(lost);
    known.learn('a', { since: 'second', count: 11, leftMs: 60_000 }, 0, answered);
    expect(known.find('a', 0)).toMatchObject({ used: 16, unshared: 5, inFlight: 0 });
    expect(known.claim('a', 0)).toMatchObject({ shared: 11, unshared: 5 });
  });

  it('goes on counting what is in flight after the call that was answered', () => {
    const known = after(10);
    const first = known.claim('a', 0);
    known.count('a', 0, 60_000);
    const second = known.claim('a', 0);
    known.learn('a', { since: 'first', count: 11, leftMs: 60_000 }, 0, first);
    expect(known.find('a', 0)).toMatchObject({ used: 12, inFlight: 1 });
    known.learn('a', { since: 'first', count: 13, leftMs: 60_000 }, 0, second);
    expect(known.find('a', 0)).toMatchObject({ used: 13, unshared: 0, inFlight: 0 });
  });

  it('of a window that has ended is not told in the one after it', () => {
    const known = after(10);
    known.count('a', 0, 60_000);
    const claim = known.claim('a', 0);
    known.count('a', 60_000, 60_000);
    claimLost(claim);
    expect(known.claim('a', 60_000)).toMatchObject({ shared: 0, unshared: 1 });
  });

  it('counts once what Redis counted late, when it had been counted here as well', () => {
    const known = after(10);
    known.count('a', 0, 60_000);
    const claim = known.claim('a', 0);
    claimLost(claim);
    for (let n = 0; n < 3; n += 1) known.count('a', 0, 60_000);
    known.learnLate('a', claim, 1, { since: 'first', count: 12, leftMs: 50_000 }, 0);
    expect(known.find('a', 0)).toMatchObject({ used: 14, unshared: 2, endsAt: 50_000 });
    expect(known.claim('a', 0)).toMatchObject({ shared: 12, unshared: 2 });
  });

  it('gives back what did not happen, and never what Redis was told of', () => {
    const known = after(10);
    const window = known.count('a', 0, 60_000);
    uncount(window);
    uncount(window);
    expect(known.find('a', 0)).toMatchObject({ used: 10, unshared: 0 });
    known.giveBack('a', 0);
    expect(known.claim('a', 0)).toMatchObject({ shared: 9, unshared: 0 });
  });

  it('is nothing of a counter that nothing is counted in', () => {
    const known = after(0);
    expect(known.size).toBe(0);
    known.learn('b', { since: 'first', count: 1, leftMs: 1_000 }, 0);
    known.learn('b', { since: 'first', count: 0, leftMs: 1_000 }, 0);
    expect(known.size).toBe(0);
  });

  it('is of so many at most: what was used longest ago is forgotten', () => {
    const known = new KnownWindows(100);
    for (let n = 0; n < 1_000; n += 1)
      for (const key of [`key ${n}`, 'kept']) known.learn(key, { since: 's', count: 7, leftMs: 60_000 }, 0);
    expect(known.size).toBe(100);
    expect([known.find('kept', 0)?.used, known.find('key 999', 0)?.used, known.find('key 0', 0)]).toEqual([
      7,
      7,
      undefined,
    ]);
  });
});
