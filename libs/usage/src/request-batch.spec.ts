import { accountId } from '@edgechat/kernel';
import { BUCKETS_MAX, MINUTE_MS, RequestBatch } from './request-batch.js';

describe('a batch of request counts', () => {
  it('has one bucket per account and minute, in the order in which rows are locked', () => {
    const batch = new RequestBatch();
    batch.count(accountId(9), 2 * MINUTE_MS + 1);
    batch.count(accountId(7), 3 * MINUTE_MS);
    batch.count(accountId(7), 2 * MINUTE_MS + 59_999);
    batch.count(accountId(7), 2 * MINUTE_MS);
    expect(batch.toRows()).toEqual([
      { accountId: 7, minuteMs: 2 * MINUTE_MS, requests: 2 },
      { accountId: 7, minuteMs: 3 * MINUTE_MS, requests: 1 },
      { accountId: 9, minuteMs: 2 * MINUTE_MS, requests: 1 },
    ]);
  });

  it('is bounded: beyond it new buckets are dropped and told, those that are there count on', () => {
    const batch = new RequestBatch();
    for (let id = 1; id <= BUCKETS_MAX + 5; id += 1) batch.count(accountId(id), 0);
    batch.count(accountId(1), 0);
    expect(batch.toRows()).toHaveLength(BUCKETS_MAX);
    expect(batch.toRows()[0]).toEqual({ accountId: 1, minuteMs: 0, requests: 2 });
    expect(batch.dropped).toBe(5);
  });

  it('that counted nothing is empty', () => {
    expect(new RequestBatch().isEmpty).toBe(true);
  });
});
