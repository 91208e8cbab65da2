import { newId } from '@edgechat/kernel';
import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis, WindowCounters } from '@edgechat/platform/redis';
import { eventually, ownStores, type OwnStores } from '@edgechat/testing';

const log = new Log('test', 'silent');
const MAX = 100;

/** Two processes that count the same. Their Redis is theirs alone. */
let stores: OwnStores;
let redises: Redis[];
let one: WindowCounters;
let other: WindowCounters;
const made = async (): Promise<[Redis, WindowCounters]> => {
  const redis = new Redis(loadConfig({ REDIS_URL: stores.env.REDIS_URL }, 'api'), log);
  await eventually(() => redis.hasStarted);
  return [redis, new WindowCounters(redis, log, { name: 'test', deadlineMs: 100 })];
};
beforeAll(async () => {
  stores = await ownStores();
  const [[firstRedis, first], [secondRedis, second]] = [await made(), await made()];
  [one, other] = [first, second];
  redises = [firstRedis, secondRedis];
});
afterAll(async () => {
  stores.redis.resume();
  await Promise.all(redises.map((redis) => redis.onApplicationShutdown()));
  await stores.close();
});

const counter = (key: string, windowS = 60) => ({ key, max: MAX, windowS });
/** How many of so many attempts, one after the other, are let through. */
async function letThrough(counters: WindowCounters, key: string, attempts: number): Promise<number> {
  let through = 0;
  for (let n = 0; n < attempts; n += 1) if (!(await counters.take([counter(key)])).isRefused) through += 1;
  return through;
}
/** What both know together, with this one. */
const usedOf = async (counters: WindowCounters, key: string): Promise<number | undefined> =>
  (await counters.take([counter(key)])).counts[0]?.used;
/** Redis counts for both again. */
async function areBack(): Promise<void> {
  for (const counters of [one, other])
    await eventually(async () => {
      const key = newId();
      await counters.take([counter(key)]);
      return (await redises[0]?.client.get(redises[0].key(`test:${key}`))) === '1';
    });
}
async function whileHung(work: () => Promise<void>): Promise<void> {
  stores.redis.hang();
  try {
    await work();
  } finally {
    stores.redis.resume();
  }
  await areBack();
}

describe('while Redis is frozen', () => {
  it('who has used 99 of 100 has 1 left, and who has used nothing has all', async () => {
    const [key, bystander] = [newId(), newId()];
    expect(await letThrough(one, key, 99)).toBe(99);
    await whileHung(async () => {
      expect(await letThrough(one, key, 50)).toBe(1);
      expect(await letThrough(one, bystander, 100)).toBe(100);
    });
    expect(await letThrough(one, key, 10)).toBe(0);
  });

  it('each process has left what it has not seen to be used', async () => {
    const key = newId();
    for (let n = 0; n < 98; n += 1) await letThrough(n % 2 === 0 ? one : other, key, 1);
    await whileHung(async () => {
      expect(await letThrough(one, key, 50)).toBe(3);
      expect(await letThrough(other, key, 50)).toBe(2);
    });
  });

  it('what was counted is not forgotten: afterwards it counts for all, once', async () => {
    const [key, unseen] = [newId(), newId()];
    expect(await letThrough(one, key, 10)).toBe(10);
    await whileHung(async () => {
      await letThrough(one, key, 20);
      await letThrough(other, key, 30);
      await letThrough(one, unseen, 40);
    });
    await usedOf(one, key);
    expect(await usedOf(other, key)).toBe(62);
    expect(await usedOf(one, key)).toBe(63);
    expect([await usedOf(one, unseen), await usedOf(other, unseen)]).toEqual([41, 42]);
  });

  it('what is under way at that moment is counted once, by whoever counts it', async () => {
    const key = newId();
    await whileHung(async () => {
      await Promise.all(Array.from({ length: 20 }, () => one.take([counter(key)])));
    });
    await usedOf(one, key);
    expect(await usedOf(other, key)).toBe(22);
  });

  it('a window ends when it would have', async () => {
    const key = newId();
    const counters = [{ key, max: 1, windowS: 2 }];
    await one.take(counters);
    await whileHung(async () => {
      expect((await one.take(counters)).isRefused).toBe(true);
      await eventually(async () => !(await one.take(counters)).isRefused, { withinMs: 3_000 });
    });
  });
});

describe('after Redis has lost its data', () => {
  it.each([
    ['by FLUSHALL', async () => void (await redises[0]?.client.flushall())],
    [
      'by a restart',
      async () => {
        await stores.redis.kill();
        await stores.redis.restart();
      },
    ],
  ])('%s, counters go on from what the processes saw', async (_, lose) => {
    const [key, bystander] = [newId(), newId()];
    for (let n = 0; n < 98; n += 1) await letThrough(n % 2 === 0 ? one : other, key, 1);
    const [, { endsInMs = 0 } = {}] = [null, (await one.take([counter(key)])).counts[0]];
    await lose();
    await areBack();

    expect(await letThrough(other, key, 10)).toBe(2);
    expect(await letThrough(one, key, 10)).toBe(0);
    expect((await one.take([counter(key)])).counts[0]?.endsInMs).toBeLessThanOrEqual(endsInMs);
    expect(await letThrough(one, bystander, 101)).toBe(100);
  });

  it('what was counted in the meantime comes on top', async () => {
    const key = newId();
    await letThrough(one, key, 50);
    await stores.redis.kill();
    expect(await letThrough(one, key, 20)).toBe(20);
    expect(await letThrough(other, key, 20)).toBe(20);
    await stores.redis.restart();
    await areBack();
    expect([await usedOf(one, key), await usedOf(other, key)]).toEqual([71, 92]);
  });

  it('what was given back before is not counted again', async () => {
    const key = newId();
    const taken = [];
    for (let n = 0; n < 30; n += 1) taken.push(await (n % 2 === 0 ? one : other).take([counter(key)]));
    for (const { giveBack } of taken) await giveBack();
    expect([await usedOf(one, key), await usedOf(other, key)]).toEqual([1, 2]);
  });
});
