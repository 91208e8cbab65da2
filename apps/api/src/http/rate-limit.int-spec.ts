import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { accountId, newId } from '@edgechat/kernel';
import { loadConfig, type Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis } from '@edgechat/platform/redis';
import { LookupLimit, LOOKUPS_MAX, RateLimit } from './rate-limit.js';

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

  const aLimit = async (url: string, { requests = '3', windowS = 60 } = {}): Promise<RateLimit> => {
    const config = loadConfig(
      { REDIS_URL: url, RATE_LIMIT_REQUESTS: requests, RATE_LIMIT_WINDOW_SECONDS: String(windowS) },
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

  it('counts in Redis again after it came back', async () => {
    const { road, url } = await aRoad();
    const [shaky, steady] = [await aLimit(url), await aLimit(REDIS_URL.href)];
    const key = newId();
    road.hang();
    expect(await times(shaky, key, 4)).toEqual([false, false, false, true]);
    road.resume();
    const deadline = Date.now() + 8_000;
    while ((await shaky.count(key))?.isExceeded === true && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(Date.now()).toBeLessThan(deadline);
    expect((await steady.count(key))?.remaining).toBeLessThan(2);
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
