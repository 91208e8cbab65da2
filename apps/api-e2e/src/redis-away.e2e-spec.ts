import { randomUUID } from 'node:crypto';
import { eventually, sql, startStack, type Answer, type Client, type Stack } from '@edgechat/testing';
import { Redis } from 'ioredis';
import { expectProblem } from './problems.js';

const LIMIT = 100;

let stack: Stack;
let redis: Redis;
beforeAll(async () => {
  stack = await startStack({
    apis: 2,
    env: { RATE_LIMIT_REQUESTS: String(LIMIT), RATE_LIMIT_WINDOW_SECONDS: '3600', TRUSTED_PROXIES: '127.0.0.1' },
  });
  redis = new Redis(stack.stores.env.REDIS_URL);
});
afterAll(async () => {
  redis?.disconnect();
  stack?.stores.redis.resume();
  await stack?.close();
});

let addresses = 0;
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
const anAddress = (): string => `203.0.113.${(addresses += 1)}`;
/** An account of an address of its own. */
async function aPerson(): Promise<Client> {
  const client = stack.client(0);
  const { body } = await client.post(
    '/auth/register',
    { email: `${randomUUID()}@example.com`, password: 'a fine old password 7' },
    from(anAddress()),
  );
  client.token = String(body['access_token']);
  return client;
}
const inbox = (client: Client, api = 0): Promise<Answer> => client.at(stack.url(api)).get('/chat/conversations');
async function letThrough(client: Client, calls: number, api = 0): Promise<number> {
  let through = 0;
  for (let n = 0; n < calls; n += 1) if ((await inbox(client, api)).status === 200) through += 1;
  return through;
}
const isReady = async (): Promise<boolean> => (await stack.client(0).get('/health/ready')).status === 200;
const isWell = (): Promise<true> => eventually(isReady, { withinMs: 30_000 });

describe('who has 1 of 100 calls left', () => {
  it('has 1 left while Redis is frozen, and none afterwards; somebody else has all of theirs', async () => {
    const [attacker, bystander] = [await aPerson(), await aPerson()];
    expect(await letThrough(attacker, LIMIT - 1)).toBe(LIMIT - 1);

    stack.stores.redis.hang();
    try {
      expect(await letThrough(attacker, 20)).toBe(1);
      expect(await letThrough(bystander, 20)).toBe(20);
    } finally {
      stack.stores.redis.resume();
    }
    await isWell();
    expect(await letThrough(attacker, 3)).toBe(0);
    await eventually(
      async () => Number((await inbox(bystander, 1)).headers.get('ratelimit')?.match(/r=(\d+)/)?.[1]) < 79,
    );
    expect(await letThrough(attacker, 3, 1)).toBe(0);
  });

  it('has 1 left after Redis has lost its data', async () => {
    const [attacker, bystander] = [await aPerson(), await aPerson()];
    expect(await letThrough(attacker, LIMIT - 1)).toBe(LIMIT - 1);
    await redis.flushall();
    expect(await letThrough(attacker, 5)).toBe(1);
    expect(await letThrough(attacker, 5, 1)).toBe(0);
    expect(await letThrough(bystander, 20)).toBe(20);
  });
});

/** Fills the memory of Redis until it takes nothing any more; what it gives frees it. */
async function fillRedis(): Promise<() => Promise<void>> {
  const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
  await redis.config('SET', 'maxmemory', String(used + 8 * 1_048_576));
  const keys: string[] = [];
  for (let bytes = 262_144; bytes >= 64;) {
    const key = `filling:${keys.length}`;
    try {
      await redis.set(key, 'x'.repeat(bytes));
      keys.push(key);
    } catch {
      bytes /= 8;
    }
  }
  // (What the processes' connections take goes up and down.)
  await redis.config('SET', 'maxmemory', String(used + 6 * 1_048_576));
  return async () => void (await redis.del(...keys));
}

const TOLD = 'Redis (REDIS_URL) cannot be used. Its memory is full';

describe('while the memory of Redis is full', () => {
  it('it counts as away: sends go on, prompts are 503, the log says once what to do; then all that is owed is done', async () => {
    const [person, bystander] = [await aPerson(), await aPerson()];
    const [alone, asking] = [await bystander.conversation({ assistant: 'off' }), await person.conversation()];
    const processes = [...stack.apis, ...stack.workers];
    const free = await fillRedis();
    await eventually(async () => !(await isReady()));
    const { body } = await stack.client(1).get('/health/ready');
    expect(body['checks']).toEqual({ database: 'connected', mongo: 'connected', redis: 'error' });

    const question = person.send(asking, 'a question while it is full');
    for (let n = 1; n <= 10; n += 1) expect((await bystander.send(alone, `walnut ${n}`)).status).toBe(200);
    for (let n = 0; n < 3; n += 1)
      expectProblem(
        await person.at(stack.url(n % 2)).post('/ai/complete', { prompt: 'hello' }),
        503,
        'service_unavailable',
      );
    expect(await letThrough(await aPerson(), 5)).toBe(5);
    expect((await bystander.messages(alone)).map(({ content }) => content)).toHaveLength(10);

    // (The worker's turn comes when work is overdue.)
    await eventually(() => processes.every(({ output }) => output.includes(TOLD)));

    await free();
    expect((await question).status).toBe(200);
    await isWell();
    await eventually(async () => {
      const owed = `select (select count(*) from edgechat.outbox) + (select count(*) from edgechat.replies where status <> 'done') as owed`;
      return Number((await sql<{ owed: string }>(stack.databaseUrl, owed))[0]?.owed) === 0;
    });
    const found = await bystander.get('/search?q=walnut');
    expect([found.status, found.body['hits']?.length]).toEqual([200, 10]);
    await eventually(async () => (await person.post('/ai/complete', { prompt: 'hello' })).status === 200);

    for (const process of processes) {
      expect(process.output.split(TOLD)).toHaveLength(2);
      expect(process.output).not.toMatch(/"level":"error"/);
      expect(process.isRunning).toBe(true);
    }
  }, 120_000);
});
