import { randomUUID } from 'node:crypto';
import { Unavailable } from '@edgechat/kernel';
import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis } from '@edgechat/platform/redis';
import { eventually } from '@edgechat/testing';
import { LocalGuessCounts } from './local-guess-counts.js';
import { RedisGuessCounts } from './redis-guess-counts.js';
import { itCountsGuesses } from './test-guess-counts.js';

const OWN = `{guesses-test-${randomUUID()}}`;

class OwnRedis extends Redis {
  /** What is asked meanwhile is done, and answered after the caller has given up. */
  isSlow = false;

  override key(name: string): string {
    return `${OWN}:${name}`;
  }

  override async run<T>(...args: Parameters<typeof Redis.prototype.run<T>>): Promise<T> {
    if (!this.isSlow) return super.run(...args);
    const [, work, , onLate] = args;
    void work(this.client).then(onLate);
    throw new Unavailable('redis', { cause: new Error('late') });
  }
}

describe('guesses, counted in Redis', () => {
  let redis: OwnRedis;
  beforeAll(async () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/none', REDIS_URL: process.env['TEST_REDIS_URL'] };
    redis = new OwnRedis(loadConfig(env, 'api'), new Log('test', 'silent'));
    await eventually(async () => redis.hasStarted);
  });
  afterAll(() => redis.onApplicationShutdown());

  /** Puts back every instant and every expiry by so much. */
  const pass = async (ms: number): Promise<void> => {
    for (const key of await redis.client.keys(redis.key('guesses:*'))) {
      if ((await redis.client.type(key)) === 'hash')
        for (const field of ['waitUntil', 'beganAt']) await redis.client.hincrby(key, field, -Math.ceil(ms));
      const lifeMs = (await redis.client.pttl(key)) - Math.ceil(ms);
      if (lifeMs > 0) await redis.client.pexpire(key, lifeMs);
      else await redis.client.del(key);
    }
  };
  itCountsGuesses(() => ({ counts: new RedisGuessCounts(redis, new LocalGuessCounts()), pass }));

  it.each([false, true])(
    'once, when Redis settles an attempt after the caller has given up (right: %p)',
    async (isRight) => {
      const local = new LocalGuessCounts();
      const counts = new RedisGuessCounts(redis, local);
      const [pair, address] = [randomUUID(), randomUUID()];
      const keys = { pair, day: null, address };
      const inRedis = async (): Promise<(string | null)[]> => [
        await redis.client.hget(redis.key(`guesses:${pair}`), 'failures'),
        await redis.client.get(redis.key(`guesses:${address}`)),
      ];
      await counts.reserve(keys);
      await local.reserve({ pair: 'another', day: null, address });
      redis.isSlow = true;
      await expect(counts.settle(keys, isRight)).rejects.toThrow(Unavailable);
      redis.isSlow = false;
      await local.settle({ ...keys, address: null }, isRight);
      await redis.client.ping(); // Redis answers in order

      await counts.reserve(keys);

      expect(await inRedis()).toEqual(isRight ? [null, '2'] : ['1', '2']);
    },
  );

  it('leave nothing behind for ever', async () => {
    const counts = new RedisGuessCounts(redis, new LocalGuessCounts());
    const keys = { pair: 'test:pair', day: 'test:day', address: 'test:address' };
    for (const isRight of [false, true]) {
      expect(await counts.reserve(keys)).toBe(0);
      await counts.settle(keys, isRight);
      await pass(1_000);
    }
    const lives = await Promise.all(
      (await redis.client.keys(redis.key('guesses:*'))).map((key) => redis.client.pttl(key)),
    );
    expect(lives.length).toBeGreaterThan(0);
    expect(lives.filter((lifeMs) => lifeMs < 0)).toEqual([]);
  });
});
