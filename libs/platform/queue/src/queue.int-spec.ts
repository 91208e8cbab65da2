import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { completePrompt, JOBS, replyToMessage, type CompletionAsked } from '@edgechat/contracts';
import { eventually, inProcess, ownStores, type OwnStores } from '@edgechat/testing';
import { Queue } from 'bullmq';
import { Bell } from './bell.js';
import { JobRunner, PutOff } from './job-runner.js';
import { handlersOf } from './test-handlers.js';

let stores: OwnStores;
let process: INestApplicationContext;
let bell: Bell;
let runner: JobRunner;
let queue: Queue;
const seen: string[] = [];
let work: (conversationId: string) => Promise<void> = () => Promise.resolve();

const prompts: CompletionAsked[] = [];
let complete: (payload: CompletionAsked) => Promise<void> = () => Promise.resolve();

const note = ({ conversationId }: { readonly conversationId: string }): Promise<void> => {
  seen.push(conversationId);
  return work(conversationId);
};
const handlers = handlersOf(note, (payload) => {
  prompts.push(payload);
  return complete(payload);
});

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, []);
  bell = process.get(Bell, { strict: false });
  runner = process.get(JobRunner, { strict: false });
  queue = new Queue('replies', { connection: { url: stores.env.REDIS_URL }, prefix: '{edgechat}' });
  runner.start(Object.values(JOBS), handlers, { deliveries: 2, replies: 4, purges: 1 });
});
afterAll(async () => {
  await runner.stop(2_000);
  await queue.close();
  await process.close();
  await stores.close();
});

const ring = (conversationId: string): Promise<void> =>
  bell.add([{ job: replyToMessage, payload: { conversationId }, requestId: 'r' }]);
const runsOf = (id: string): number => seen.filter((one) => one === id).length;

describe('a bell', () => {
  it('that rings again and again while its job waits makes one run, and one that rings while it runs makes it run once more', async () => {
    const id = randomUUID();
    let release = (): void => undefined;
    work = () => new Promise((resolve) => (release = resolve));
    await ring(id);
    await eventually(() => runsOf(id) === 1);

    for (let i = 0; i < 5; i += 1) await ring(id);
    work = () => Promise.resolve();
    release();

    await eventually(() => runsOf(id) === 2);
    await eventually(async () => (await queue.getJobCounts('active', 'waiting', 'delayed'))['active'] === 0);
    expect(runsOf(id)).toBe(2);
  });

  it("refuses a payload that is not the job's", async () => {
    await expect(
      bell.add([{ job: replyToMessage, payload: { conversationId: 'no uuid' }, requestId: null }]),
    ).rejects.toThrow();
  });
});

describe('a job that its handler puts off', () => {
  it('comes again, more often than a job may fail, and rings meanwhile add nothing', async () => {
    const id = randomUUID();
    const putOffs = replyToMessage.attempts + 2;
    work = () => (runsOf(id) <= putOffs ? Promise.reject(new PutOff(10)) : Promise.resolve());
    await ring(id);
    await ring(id);

    await eventually(() => runsOf(id) > putOffs);
    await eventually(async () => (await queue.getJobCounts('active', 'waiting', 'delayed'))['delayed'] === 0);
    expect((await queue.getJobCounts('failed'))['failed']).toBe(0);
    work = () => Promise.resolve();
  });
});

describe('a job that its handler puts off with another payload', () => {
  it('comes again with that one', async () => {
    const asked = { completionId: randomUUID(), accountId: 1, prompt: 'p', deadlineAt: new Date().toISOString() };
    complete = (payload) =>
      prompts.length === 1 ? Promise.reject(new PutOff(10, { ...payload, calls: 3 })) : Promise.resolve();
    await bell.add([{ job: completePrompt, payload: asked, requestId: null }]);

    await eventually(() => prompts.length === 2);
    expect(prompts).toEqual([asked, { ...asked, calls: 3 }]);
    complete = () => Promise.resolve();
  });
});

describe('a job that is no good', () => {
  const failure = (jobId: string): Promise<string> =>
    eventually(async () => {
      if ((await queue.getJobState(jobId)) !== 'failed') return false;
      return (await queue.getJob(jobId))?.failedReason ?? false;
    });
  const add = async (name: string, data: unknown): Promise<string> =>
    (await queue.add(name, data, { attempts: 3, backoff: 10 })).id ?? '';
  const conversationId = randomUUID();

  it.each([
    ['an unknown name', 'conversations.unknown', { version: 1, requestId: null, payload: {} }, /unknown job/],
    ['no envelope', replyToMessage.name, 'garbage', /not a job of EdgeChat/],
    ['null', replyToMessage.name, null, /not a job of EdgeChat/],
    [
      'a bad payload',
      replyToMessage.name,
      { version: 1, requestId: null, payload: { conversationId: { $gt: '' } } },
      /bad payload: conversationId/,
    ],
  ])('for %s is failed at once and kept, with its reason', async (_, name, data, reason) => {
    const id = await add(name, data);

    expect(await failure(id)).toMatch(reason);
    expect((await queue.getJob(id))?.attemptsMade).toBe(1);
  });

  it('because it is of a newer release is tried again, for a newer worker to take', async () => {
    const id = await add(replyToMessage.name, { version: 99, requestId: null, payload: { conversationId } });

    await failure(id);

    expect((await queue.getJob(id))?.attemptsMade).toBe(3);
    expect(runsOf(conversationId)).toBe(0);
  });

  it('only for keys it does not know is done: they are stripped', async () => {
    const id = randomUUID();
    await add(replyToMessage.name, {
      version: 1,
      requestId: null,
      more: 1,
      payload: { conversationId: id, added: 'later' },
    });

    await eventually(() => runsOf(id) === 1);
  });
});

describe('FLUSHALL', () => {
  it('does not stop a worker from taking the next job', async () => {
    const id = randomUUID();
    const { Redis } = await import('ioredis');
    const client = new Redis(stores.env.REDIS_URL);
    await client.flushall();
    client.disconnect();

    await ring(id);

    await eventually(() => runsOf(id) === 1);
  });
});
