import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { accountId, newId, newSessionId } from '@edgechat/kernel';
import { loadConfig, type Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis } from '@edgechat/platform/redis';
import { eventually } from '@edgechat/testing';
import { LookupLimit, LOOKUPS_MAX, RateLimit, REFRESHES_OF_ITS_OWN } from './rate-limit.js';

const REDIS_URL = new URL(process.env['TEST_REDIS_URL'] ?? '');

/** A way to Redis that can be made to hang or to break without harm to the server behind it. */
class Road {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((near) => {
    const far = connect(Number(REDIS_URL.port), REDIS_URL.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from
        .on('data', (bytes) => to.write(bytes))
        .on('error', () => undefined)
        .on('close', () => to.destroy());
    }
  });

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}${REDIS_URL.pathname}`;
  }

  /** Like SIGSTOP: what is sent waits, and arrives after `resume`. */
  hang(): void {
    for (const socket of this.sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.sockets) socket.resume();
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

describe('the rate limit', () => {
  const log = new Log('test', 'error');
  const made: Redis[] = [];
  const roads: Road[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map((redis) => redis.onApplicationShutdown()));
    roads.splice(0).forEach((road) => road.close());
  });

  const aRoad = async (): Promise<{ road: Road; url: string }> => {
    const road = new Road();
    roads.push(road);
    return { road, url: await road.open() };
  };

  const aRedis = async (config: Config): Promise<Redis> => {
    const redis = new Redis(config, log);
    made.push(redis);
    while (!redis.hasStarted) await new Promise((resolve) => setTimeout(resolve, 5));
    return redis;
  };

  const aLimit = async (url: string, { requests = '3', windowS = 60, factor = '10' } = {}): Promise<RateLimit> => {
    const config = loadConfig(
      {
        REDIS_URL: url,
        RATE_LIMIT_REQUESTS: requests,
        RATE_LIMIT_WINDOW_SECONDS: String(windowS),
        RATE_LIMIT_ADDRESS_FACTOR: factor,
      },
      'api',
    );
    return new RateLimit(config, await aRedis(config), log);
  };

  const aLookupLimit = async (url: string): Promise<LookupLimit> =>
    new LookupLimit(await aRedis(loadConfig({ REDIS_URL: url }, 'api')), log);

  const times = async (limit: RateLimit, key: string, count: number): Promise<boolean[]> => {
    const refused: boolean[] = [];
    for (let i = 0; i < count; i += 1) refused.push((await limit.count(key))?.isExceeded ?? false);
    return refused;
  };

  it('counts for all replicas together, each key by itself', async () => {
    const [first, second] = [await aLimit(REDIS_URL.href), await aLimit(REDIS_URL.href)];
    const key = newId();
    expect(await first.count(key)).toEqual({ isExceeded: false, remaining: 2, resetS: 60 });
    expect(await times(second, key, 3)).toEqual([false, false, true]);
    expect(await times(first, newId(), 1)).toEqual([false]);
  });

  it('lets nobody through at 0, everybody at unlimited', async () => {
    expect(await times(await aLimit(REDIS_URL.href, { requests: '0' }), newId(), 2)).toEqual([true, true]);
    const none = await aLimit(REDIS_URL.href, { requests: 'unlimited' });
    expect([none.policy, await none.count(newId())]).toEqual([null, null]);
  });

  describe('of new accounts', () => {
    it('is shared at an address, on all replicas; other addresses and old accounts do not feel it', async () => {
      const [first, second] = [await aLimit(REDIS_URL.href), await aLimit(REDIS_URL.href)];
      const [address, another] = [newId(), newId()];
      const counts = await Promise.all(
        Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? first : second).count(`${address} ${n % 20}`, address)),
      );
      expect(counts.filter((count) => count?.isExceeded === false)).toHaveLength(30);

      const refused = await first.count(newId(), address);
      expect(refused).toEqual({ isExceeded: true, remaining: 3, resetS: 60, retryAfterS: expect.any(Number) });
      expect((await first.count(newId(), another))?.isExceeded).toBe(false);
      expect((await first.count(newId()))?.isExceeded).toBe(false);
    });

    it('is not used up by one account that goes on beyond its own', async () => {
      const limit = await aLimit(REDIS_URL.href, { factor: '2' });
      const address = newId();
      for (let n = 0; n < 20; n += 1) await limit.count(`${address} loud`, address);
      const refused = await limit.count(`${address} loud`, address);
      expect(refused).toEqual({ isExceeded: true, remaining: 0, resetS: expect.any(Number) });
      expect((await limit.count(`${address} other`, address))?.isExceeded).toBe(false);
    });

    it('is none at unlimited, and nothing at 0', async () => {
      const [none, nothing] = [
        await aLimit(REDIS_URL.href, { factor: 'unlimited' }),
        await aLimit(REDIS_URL.href, { factor: '0' }),
      ];
      const address = newId();
      for (let n = 0; n < 50; n += 1) expect((await none.count(newId(), address))?.isExceeded).toBe(false);
      expect((await nothing.count(newId(), address))?.isExceeded).toBe(true);
      expect((await nothing.count(newId()))?.isExceeded).toBe(false);
    });

    it('holds in the process while Redis is gone', async () => {
      const { road, url } = await aRoad();
      const limit = await aLimit(url, { factor: '2' });
      road.close();
      const refused: unknown[] = [];
      for (let n = 0; n < 8; n += 1) refused.push((await limit.count(`key ${n}`, 'address'))?.isExceeded);
      expect(refused).toEqual([false, false, false, false, false, false, true, true]);
    });
  });

  describe('of refreshes', () => {
    it('is that of a request for each session, whatever was counted at its address', async () => {
      const limit = await aLimit(REDIS_URL.href);
      const [session, address] = [newSessionId(), newId()];
      await times(limit, `address:${address}`, 10);
      const counts = [1, 2, 3, 4].map(() => limit.countRefresh(session, address));
      expect((await Promise.all(counts)).map((count) => count?.isExceeded)).toEqual([false, false, false, true]);
      expect((await limit.countRefresh(newSessionId(), address))?.isExceeded).toBe(false);
    });

    it('is shared by the sessions of an address that refresh without end, and takes from no other its own', async () => {
      const limit = await aLimit(REDIS_URL.href, { requests: '10', factor: '1' });
      const address = newId();
      const loud = Array.from({ length: 4 }, newSessionId);
      const refused = [];
      for (const session of loud)
        for (let n = 0; n < 10; n += 1) refused.push((await limit.countRefresh(session, address))?.retryAfterS);
      expect(refused.filter((retryAfterS) => retryAfterS === undefined)).toHaveLength(4 * REFRESHES_OF_ITS_OWN + 10);

      const honest = newSessionId();
      for (let n = 0; n < REFRESHES_OF_ITS_OWN; n += 1)
        expect((await limit.countRefresh(honest, address))?.isExceeded).toBe(false);
      expect((await limit.countRefresh(honest, address))?.isExceeded).toBe(true);
    });
  });

  it('begins a window with its first request and gives it its whole length', async () => {
    const limit = await aLimit(REDIS_URL.href, { requests: '1', windowS: 1 });
    const key = newId();
    const beganAt = Date.now();
    expect(await times(limit, key, 2)).toEqual([false, true]);
    while ((await limit.count(key))?.isExceeded === true) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(Date.now() - beganAt).toBeGreaterThanOrEqual(950);
    expect(Date.now() - beganAt).toBeLessThan(1_500);
  });

  it('limits in the process while Redis is gone, and does not wait for it', async () => {
    const { road, url } = await aRoad();
    const limit = await aLimit(url);
    road.close();
    const beganAt = Date.now();
    expect(await times(limit, newId(), 5)).toEqual([false, false, false, true, true]);
    expect(Date.now() - beganAt).toBeLessThan(500);
  });

  it('waits at most 250 ms for a Redis that hangs, then not again for a second', async () => {
    const { road, url } = await aRoad();
    const limit = await aLimit(url);
    road.hang();
    const beganAt = Date.now();
    await limit.count(newId());
    expect(Date.now() - beganAt).toBeLessThan(400);
    const skippedAt = Date.now();
    expect(await times(limit, newId(), 4)).toEqual([false, false, false, true]);
    expect(Date.now() - skippedAt).toBeLessThan(100);
  });

  it('goes on where Redis was while it hangs, and counts there again after it came back, with what was counted meanwhile', async () => {
    const { road, url } = await aRoad();
    const [shaky, steady] = [await aLimit(url), await aLimit(REDIS_URL.href)];
    const [key, unused] = [newId(), newId()];
    expect(await times(shaky, key, 2)).toEqual([false, false]);
    road.hang();
    expect(await times(shaky, key, 3)).toEqual([false, true, true]);
    expect(await times(shaky, unused, 3)).toEqual([false, false, false]);
    road.resume();
    await eventually(async () => {
      const probe = newId();
      await shaky.count(probe);
      return (await steady.count(probe))?.remaining === 1;
    });
    for (const one of [key, unused]) {
      expect(await times(shaky, one, 1)).toEqual([true]);
      expect(await times(steady, one, 1)).toEqual([true]);
    }
  });

  it('shows by its first count that Redis is back: other calls do not skip it any more', async () => {
    const { road, url } = await aRoad();
    const config = loadConfig({ REDIS_URL: url }, 'api');
    const redis = await aRedis(config);
    const limit = new RateLimit(config, redis, log);
    const ping = (): Promise<string> => redis.run('ping', (client) => client.ping());
    road.hang();
    await expect(ping()).rejects.toMatchObject({ dependency: 'redis' });
    road.resume();
    await expect(ping()).rejects.toMatchObject({ dependency: 'redis' });

    await limit.count(newId());

    expect(await ping()).toBe('PONG');
  });

  it('of look-ups is 30 a minute for an account, on all replicas together, and in each process while Redis is gone', async () => {
    const [first, second] = [await aLookupLimit(REDIS_URL.href), await aLookupLimit(REDIS_URL.href)];
    const [account, another] = [accountId(1_000_000 + Math.floor(Math.random() * 1e9)), accountId(1)];
    for (let n = 0; n < LOOKUPS_MAX; n += 1) await (n % 2 === 0 ? first : second).count(account);
    for (const limit of [first, second])
      await expect(limit.count(account)).rejects.toMatchObject({
        code: 'too_many_lookups',
        options: { retryAfterS: expect.any(Number) },
      });
    await expect(first.count(another)).resolves.toBeUndefined();

    const { road, url } = await aRoad();
    const alone = await aLookupLimit(url);
    road.close();
    for (let n = 0; n < LOOKUPS_MAX; n += 1) await alone.count(account);
    await expect(alone.count(account)).rejects.toMatchObject({ code: 'too_many_lookups' });
  });
});
