import { newId, pause } from '@edgechat/kernel';
import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis } from './redis.js';
import { WindowCounters } from './window-counters.js';

const log = new Log('test', 'silent');

describe('counters in windows', () => {
  let redis: Redis;
  let counters: WindowCounters;
  beforeAll(async () => {
    redis = new Redis(loadConfig({ REDIS_URL: process.env['TEST_REDIS_URL'] }, 'api'), log);
    counters = new WindowCounters(redis, log, { name: `test-${newId()}` });
    while (!redis.hasStarted) await pause(10);
  });
  afterAll(() => redis.onApplicationShutdown());

  const counter = (key: string, max = 2, windowS = 60) => ({ key, max, windowS });

  it('are counted on together, or not at all, however many come at once', async () => {
    const shared = newId();
    const taken = await Promise.all(
      Array.from({ length: 12 }, (_, n) => counters.take([counter(`${shared}:${n}`, 1), counter(shared, 5)])),
    );
    expect(taken.filter(({ isRefused }) => !isRefused)).toHaveLength(5);
    for (const { isRefused, counts } of taken)
      expect(counts.map(({ isUsedUp }) => isUsedUp)).toEqual([false, isRefused]);
    const [refused = -1] = taken.flatMap(({ isRefused }, n) => (isRefused ? [n] : []));
    expect((await counters.take([counter(`${shared}:${refused}`, 1)])).isRefused).toBe(false);
  });

  it('have windows that begin with their first count and are not made longer', async () => {
    const key = newId();
    const first = await counters.take([counter(key)]);
    expect(first.counts[0]?.endsInMs).toBe(60_000);
    await redis.client.pexpire(redis.key((await keysOf(key))[0] ?? ''), 30_000);
    const [second] = (await counters.take([counter(key)])).counts;
    expect(second?.used).toBe(2);
    expect(second?.endsInMs).toBeLessThanOrEqual(30_000);
    expect(second?.endsInMs).toBeGreaterThan(0);
  });

  it('get back what did not happen, and never less than nothing', async () => {
    const key = newId();
    const { giveBack } = await counters.take([counter(key, 1)]);
    await giveBack();
    await giveBack();
    expect((await counters.take([counter(key, 1)])).isRefused).toBe(false);
    expect((await counters.take([counter(key, 1)])).isRefused).toBe(true);
  });

  it('that nothing was counted in take no room', async () => {
    const [full, fresh, given] = [newId(), newId(), newId()];
    await counters.take([counter(full, 1)]);
    expect((await counters.take([counter(full, 1), counter(fresh)])).isRefused).toBe(true);
    expect(await keysOf(fresh)).toEqual([]);
    expect(await keysOf(full)).toHaveLength(1);
    const { giveBack } = await counters.take([counter(given)]);
    await giveBack();
    expect(await keysOf(given)).toEqual([]);
  });

  it('go on in the process while Redis is away, and what was counted there is given back there', async () => {
    const away = new Redis(loadConfig({ REDIS_URL: 'redis://127.0.0.1:1/0' }, 'api'), log);
    const alone = new WindowCounters(away, log, { name: 'test' });
    const { giveBack } = await alone.take([counter('a', 1)]);
    expect((await alone.take([counter('a', 1)])).isRefused).toBe(true);
    await giveBack();
    expect((await alone.take([counter('a', 1)])).isRefused).toBe(false);
    await away.onApplicationShutdown();
  });

  /** The names of the keys in Redis that end so. */
  const keysOf = async (end: string): Promise<string[]> =>
    (await redis.client.keys(`*${end}`)).map((key) => key.slice(redis.key('').length));
});
