import { KnownWindows } from './known-windows.js';
import { OwnCounters } from './own-counters.js';

const counter = (key: string, max = 2, windowS = 60) => ({ key, max, windowS });

describe('windows of one process', () => {
  it('begin with their first count, and end after their whole length', () => {
    const windows = new OwnCounters(new KnownWindows());
    const taken = [0, 10_000, 59_999, 60_000].map((now) => windows.take([counter('a')], now));
    expect(taken.map(({ isRefused }) => isRefused)).toEqual([false, false, true, false]);
    expect(taken.map(({ counts }) => counts[0])).toEqual([
      { used: 1, isUsedUp: false, endsInMs: 60_000 },
      { used: 2, isUsedUp: false, endsInMs: 50_000 },
      { used: 3, isUsedUp: true, endsInMs: 1 },
      { used: 1, isUsedUp: false, endsInMs: 60_000 },
    ]);
  });

  it('are counted on together, or not at all', () => {
    const windows = new OwnCounters(new KnownWindows());
    for (const key of ['a', 'b']) windows.take([counter(key), counter('shared')], 0);
    const refused = windows.take([counter('c'), counter('shared')], 0);
    expect(refused.isRefused).toBe(true);
    expect(refused.counts.map(({ isUsedUp }) => isUsedUp)).toEqual([false, true]);
    expect(windows.take([counter('c')], 0).counts[0]?.used).toBe(1);
  });

  it('get back what did not happen', async () => {
    const windows = new OwnCounters(new KnownWindows());
    await windows.take([counter('a', 1)], 0).giveBack();
    const taken = windows.take([counter('a', 1)], 0);
    expect(taken.isRefused).toBe(false);
    await windows.take([counter('a', 1)], 0).giveBack();
    expect(windows.take([counter('a', 1)], 0).isRefused).toBe(true);
  });

  it('let nobody through at 0', () => {
    expect(new OwnCounters(new KnownWindows()).take([counter('a', 0)], 0).isRefused).toBe(true);
  });

  it('are so many at most, however many keys come: the oldest goes', () => {
    const known = new KnownWindows(100);
    const windows = new OwnCounters(known);
    for (let n = 0; n < 1_000; n += 1) windows.take([counter(`key ${n}`, 1), counter('kept', 10_000)], n);
    expect(known.size).toBeLessThanOrEqual(100);
    expect(windows.take([counter('key 999', 1)], 1_000).isRefused).toBe(true);
    expect(windows.take([counter('key 0', 1)], 1_000).isRefused).toBe(false);
  });
});
