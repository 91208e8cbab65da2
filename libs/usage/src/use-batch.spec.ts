import { accountId } from '@edgechat/kernel';
import { UseBatch, USES_MAX } from './use-batch.js';

const text = (textBytes: number) => ({ textBytes, tokens: 0 });
const tokens = (count: number) => ({ textBytes: 0, tokens: count });

describe('a batch of what accounts used', () => {
  it('has one row per account and day, in the order in which rows are locked', () => {
    const batch = new UseBatch();
    batch.count(accountId(9), '2026-11-24', text(5));
    batch.count(accountId(7), '2026-11-25', text(1));
    batch.count(accountId(7), '2026-11-24', tokens(2));
    batch.count(accountId(7), '2026-11-24', text(3));
    batch.count(accountId(10), '2026-11-24', text(4));
    expect(batch.toRows()).toEqual([
      { accountId: 7, day: '2026-11-24', textBytes: 3, tokens: 2 },
      { accountId: 7, day: '2026-11-25', textBytes: 1, tokens: 0 },
      { accountId: 9, day: '2026-11-24', textBytes: 5, tokens: 0 },
      { accountId: 10, day: '2026-11-24', textBytes: 4, tokens: 0 },
    ]);
  });

  it('finds what it counted of an account on a day, and of no other', () => {
    const batch = new UseBatch();
    batch.count(accountId(1), '2026-11-24', text(5));
    expect(batch.find(accountId(1), '2026-11-24')).toMatchObject(text(5));
    expect(batch.find(accountId(1), '2026-11-25')).toBeUndefined();
    expect(batch.find(accountId(2), '2026-11-24')).toBeUndefined();
  });

  it('is bounded: beyond it new accounts are dropped and told, those that are there count on', () => {
    const batch = new UseBatch();
    for (let id = 1; id <= USES_MAX + 5; id += 1) batch.count(accountId(id), '2026-11-24', text(1));
    batch.count(accountId(1), '2026-11-24', text(1));
    expect(batch.toRows()).toHaveLength(USES_MAX);
    expect(batch.toRows()[0]).toMatchObject(text(2));
    expect(batch.dropped).toBe(5);
  });

  it('that counted nothing is empty', () => {
    expect(new UseBatch().isEmpty).toBe(true);
  });
});
