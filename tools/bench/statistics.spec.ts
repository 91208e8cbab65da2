import { median, percentile, ratioOf, spreadOf, turns } from './statistics.mjs';

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);

  it('is the value below which that share of the values lies, by the nearest rank', () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 1)).toBe(100);
    expect(percentile([7], 0.01)).toBe(7);
  });

  it('is 0 of no values', () => expect(percentile([], 0.99)).toBe(0));
});

describe('a median', () => {
  it('is the middle value, or between the two in the middle, in whatever order they come', () => {
    expect(median([30, 10, 20])).toBe(20);
    expect(median([40, 10, 20, 30])).toBe(25);
    expect(median([])).toBe(0);
  });

  it('does not sort what it was given', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('a ratio of product to floor', () => {
  it('compares the pairs that were measured side by side, and tells how far they lie apart', () => {
    expect(ratioOf([80, 45, 90], [100, 50, 100])).toEqual({ median: 0.9, lowest: 0.8, highest: 0.9 });
  });

  it('passes over a pair whose floor is missing', () => {
    expect(ratioOf([80, 45], [100])).toEqual({ median: 0.8, lowest: 0.8, highest: 0.8 });
    expect(spreadOf([])).toEqual({ median: 0, lowest: 0, highest: 0 });
  });
});

describe('the turns', () => {
  it('give each the first place as often as the other', () => {
    expect([0, 1, 2, 3].map((round) => turns(round)[0])).toEqual(['floor', 'product', 'floor', 'product']);
    for (const round of [0, 1]) expect(turns(round).toSorted()).toEqual(['floor', 'product']);
  });
});
