import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { migrate } from '@edgechat/database';
import { Refusal } from '@edgechat/kernel';
import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis } from '@edgechat/platform/redis';
import { eventually, ownStores, type OwnStores } from '@edgechat/testing';
import { LoginGuard } from './passwords/login-guard.js';
import { aReplica } from './test-identity.js';

/** Two replicas, on a Redis of their own. */
let stores: OwnStores;
let one: INestApplicationContext;
let other: INestApplicationContext;
beforeAll(async () => {
  stores = await ownStores();
  const env = { ...stores.env, LOG_LEVEL: 'error' };
  await migrate(loadConfig(env, 'api'), new Log('test', 'error'));
  [one, other] = await Promise.all([aReplica(env), aReplica(env)]);
});
afterAll(async () => {
  stores.redis.resume();
  await Promise.all([one.close(), other.close()]);
  await stores.close();
});

let addresses = 0;
const anAddress = (): string => `2001:db8:${(addresses += 1).toString(16)}:1::/64`;
/** A wrong guess of a name: 0 when it was let through, else the seconds to wait. */
async function guess(at: INestApplicationContext, emailKey: string, addressKey = anAddress()): Promise<number> {
  const attempt = { emailKey, addressKey, isKnownAddress: false, accountId: null, sessionId: null };
  try {
    await (await at.get(LoginGuard, { strict: false }).reserve(attempt)).settle(false);
    return 0;
  } catch (error) {
    if (error instanceof Refusal) return error.options.retryAfterS ?? 0;
    throw error;
  }
}
async function letThrough(at: INestApplicationContext, attempts: number, attempt: () => [string, string]) {
  let through = 0;
  for (let n = 0; n < attempts; n += 1) if ((await guess(at, ...attempt())) === 0) through += 1;
  return through;
}
const redisOf = (at: INestApplicationContext): Redis => at.get(Redis, { strict: false });
const areBack = async (): Promise<void> => {
  for (const at of [one, other])
    await eventually(() =>
      redisOf(at)
        .probe()
        .then(() => true),
    );
};

const AWAY = [
  [
    'frozen',
    { goes: async () => stores.redis.hang(), isAwayMeanwhile: true, comes: async () => stores.redis.resume() },
  ],
  [
    'emptied',
    {
      goes: async () => void (await redisOf(one).client.flushall()),
      isAwayMeanwhile: false,
      comes: () => Promise.resolve(),
    },
  ],
] as const;

describe.each(AWAY)('when Redis is %s', (_, { goes, isAwayMeanwhile, comes }) => {
  it('guesses go on being counted from where they were: of a name, of an address, and the delays of both together', async () => {
    const [name, address, bystander] = [randomUUID(), anAddress(), randomUUID()];
    const atNew = (): [string, string] => [name, anAddress()];
    const atAddress = (): [string, string] => [randomUUID(), address];
    expect(await letThrough(one, 99, atNew)).toBe(99);
    expect(await letThrough(one, 48, atAddress)).toBe(48);
    const slow = [randomUUID(), anAddress()] as const;
    await guess(one, ...slow);
    await redisOf(one).client.eval(
      `for _, key in ipairs(redis.call('keys', '*guesses:login:*')) do redis.call('hset', key, 'failures', 6) end`,
      0,
    );
    await eventually(async () => (await guess(one, ...slow)) === 0);
    expect(await guess(one, ...slow)).toBeGreaterThan(30);

    await goes();
    try {
      expect(await letThrough(one, 10, atNew)).toBe(1);
      expect(await letThrough(one, 10, atAddress)).toBe(2);
      expect(await guess(one, ...slow)).toBeGreaterThan(20);
      expect(await guess(one, bystander)).toBe(0);
    } finally {
      await comes();
    }
    await areBack();
    expect(await letThrough(one, 5, atNew)).toBe(0);
    await letThrough(one, 1, atAddress);
    expect(await letThrough(other, 5, atAddress)).toBe(0);
    expect(isAwayMeanwhile || (await guess(other, name)) > 0).toBe(true);
  }, 60_000);
});

describe('guesses that were counted in the processes while Redis was frozen', () => {
  it('count for all afterwards, once', async () => {
    const name = randomUUID();
    const attempt = (): [string, string] => [name, anAddress()];
    await letThrough(one, 10, attempt);
    stores.redis.hang();
    try {
      expect(await letThrough(one, 40, attempt)).toBe(40);
      expect(await letThrough(other, 30, attempt)).toBe(30);
    } finally {
      stores.redis.resume();
    }
    await areBack();
    await letThrough(one, 1, attempt);
    await letThrough(other, 1, attempt);
    expect(await letThrough(one, 30, attempt)).toBe(18);
    expect(await letThrough(other, 5, attempt)).toBe(0);
  }, 60_000);
});
