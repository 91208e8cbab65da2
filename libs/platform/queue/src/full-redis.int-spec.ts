import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { JOBS, replyToMessage } from '@edgechat/contracts';
import { Unavailable } from '@edgechat/kernel';
import { eventually, inProcess, ownStores, type OwnStores } from '@edgechat/testing';
import { Redis as Client } from 'ioredis';
import { Bell } from './bell.js';
import { JobRunner } from './job-runner.js';
import { handlersOf } from './test-handlers.js';

let stores: OwnStores;
let process: INestApplicationContext;
let bell: Bell;
let runner: JobRunner;
let redis: Client;
const done: string[] = [];
let gate: Promise<void> = Promise.resolve();

const work = async ({ conversationId }: { readonly conversationId: string }): Promise<void> => {
  await gate;
  done.push(conversationId);
};
const handlers = handlersOf(work);

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, []);
  redis = new Client(stores.env.REDIS_URL);
  bell = process.get(Bell, { strict: false });
  runner = process.get(JobRunner, { strict: false });
  runner.start(Object.values(JOBS), handlers, { deliveries: 2, replies: 4, purges: 1 });
});
afterAll(async () => {
  await runner.stop(2_000);
  redis.disconnect();
  await process.close();
  await stores.close();
});

const ring = (ids: readonly string[]): Promise<void> =>
  bell.add(ids.map((conversationId) => ({ job: replyToMessage, payload: { conversationId }, requestId: null })));
const numberIn = async (section: string, name: string): Promise<number> =>
  Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(await redis.info(section))?.[1]);

describe('while Redis has no memory left', () => {
  it('a ring is an outage, workers ask now and then and not without end, and all jobs are done when there is room', async () => {
    const ids = Array.from({ length: 30 }, () => randomUUID());
    let open = (): void => undefined;
    gate = new Promise((resolve) => (open = resolve));
    await ring(ids);
    await eventually(async () => (await redis.llen('{edgechat}:replies:active')) === 4);
    await redis.config('SET', 'maxmemory', '1');
    // (Until then BullMQ may end a job in a script whose first write takes no memory.)
    await eventually(async () => (await redis.keys('{edgechat}:replies:*:lock')).length === 0);
    open();

    await eventually(() => done.length >= 4);
    await expect(ring([randomUUID()])).rejects.toMatchObject({ dependency: 'redis' });
    await expect(ring([randomUUID()])).rejects.toBeInstanceOf(Unavailable);
    const [commands, beganAt] = [await numberIn('stats', 'total_commands_processed'), Date.now()];
    await eventually(() => Date.now() - beganAt > 3_000);
    const perSecond =
      ((await numberIn('stats', 'total_commands_processed')) - commands) / ((Date.now() - beganAt) / 1_000);
    expect(perSecond).toBeLessThan(300);

    await redis.config('SET', 'maxmemory', '0');
    await eventually(() => new Set(done).size === 30);
    const later = randomUUID();
    await eventually(() => ring([later]).then(() => true));
    await eventually(() => done.includes(later));
  }, 60_000);
});
