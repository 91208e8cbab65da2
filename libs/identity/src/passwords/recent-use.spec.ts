import { RecentUse } from './recent-use.js';

describe('how much was used of late', () => {
  it('is counted, and fades', () => {
    const use = new RecentUse();
    use.add('a', 0);
    use.add('a', 0);
    expect([use.amountOf('a', 0), use.amountOf('b', 0)]).toEqual([2, 0]);
    expect(use.amountOf('a', 10_000)).toBeCloseTo(2 / Math.E);
    expect(use.amountOf('a', 100_000)).toBeLessThan(0.001);
  });

  it('is remembered of 10,000 keys', () => {
    const use = new RecentUse();
    for (let n = 0; n <= 10_000; n += 1) use.add(`key ${n}`, n);
    expect([use.amountOf('key 0', 10_000), use.amountOf('key 10000', 10_000)]).toEqual([0, 1]);
  });
});
