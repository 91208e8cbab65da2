import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { completePrompt, JOBS, purgeConversation, replyToMessage, type CompletionAsked } from '@edgechat/contracts';
import { Log } from '@edgechat/platform/logging';
import { checkRedis, Redis, WindowCounters } from '@edgechat/platform/redis';
import { eventually, inProcess, ownStores, REDIS_RULES, type OwnStores } from '@edgechat/testing';
import { Redis as Client } from 'ioredis';
import { Bell } from './bell.js';
import { JobRunner, PutOff } from './job-runner.js';
import { handlersOf } from './test-handlers.js';

const ROOT = join(import.meta.dirname, '../../../..');

let stores: OwnStores;
let process: INestApplicationContext;
let redis: Redis;
let app: Client;
let operator: Client;
const done: string[] = [];
const prompts: CompletionAsked[] = [];
const note = ({ conversationId }: { readonly conversationId: string }): Promise<void> => {
  done.push(conversationId);
  return conversationId.startsWith('f') ? Promise.reject(new Error('fails')) : Promise.resolve();
};
const handlers = handlersOf(note, (payload) => {
  prompts.push(payload);
  return prompts.length === 1 ? Promise.reject(new PutOff(10, { ...payload, calls: 3 })) : Promise.resolve();
});

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, []);
  redis = process.get(Redis, { strict: false });
  [app, operator] = [new Client(stores.appEnv.REDIS_URL), new Client(stores.env.REDIS_URL)];
});
afterAll(async () => {
  app.disconnect();
  operator.disconnect();
  await process.get(JobRunner, { strict: false }).stop(2_000);
  await process.close();
  await stores.close();
});

/** What the app's user was refused so far: commands, keys and channels. */
async function refusals(): Promise<string[]> {
  const entries: unknown = await operator.call('ACL', 'LOG');
  return JSON.stringify(entries).match(/"object","[^"]*"/g) ?? [];
}

/** The commands that the rules let through, by this server's own categories. */
async function allowed(): Promise<Set<string>> {
  const may = new Set<string>();
  for (const [, sign, category, command = ''] of REDIS_RULES.matchAll(/([+-])(?:@(\w+)|(\S+))/g)) {
    if (category === 'all') continue; // the first rule: nothing is allowed yet
    const named: unknown = category === undefined ? [command] : await operator.call('ACL', 'CAT', category);
    for (const name of Array.isArray(named) ? named.map(String) : [])
      if (sign === '+') may.add(name);
      else may.delete(name);
  }
  return may;
}

describe('the user of Redis that docker/make-secrets writes', () => {
  it('is enough for queues, workers, counters and signals: nothing of theirs is refused', async () => {
    await operator.call('ACL', 'LOG', 'RESET');
    expect(await checkRedis(stores.appEnv.REDIS_URL)).toEqual({ is: 'usable' });
    const bell = process.get(Bell, { strict: false });
    process
      .get(JobRunner, { strict: false })
      .start(Object.values(JOBS), handlers, { deliveries: 2, replies: 4, purges: 1 });
    const [good, failing] = [randomUUID().replace(/^./, '0'), randomUUID().replace(/^./, 'f')];
    for (const conversationId of [good, good, failing])
      await bell.add(
        [replyToMessage, purgeConversation].map((job) => ({ job, payload: { conversationId }, requestId: null })),
      );
    const prompt = { completionId: randomUUID(), accountId: 1, prompt: 'p', deadlineAt: new Date().toISOString() };
    await bell.add([{ job: completePrompt, payload: prompt, requestId: null }]);
    await eventually(() => done.includes(good) && done.includes(failing) && prompts.length === 2);

    const heard: string[] = [];
    redis.subscribe('answers', { onMessage: (message) => heard.push(message), onReconnect: () => undefined });
    await eventually(async () => {
      await redis.run('signal', (client) => client.publish(redis.key('answers'), 'one'));
      return heard.length > 0;
    });
    const counters = new WindowCounters(redis, new Log('test', 'silent'), { name: 'test' });
    const taken = await counters.take([{ key: 'a', max: 1, windowS: 60 }]);
    await taken.giveBack();
    expect((await counters.take([{ key: 'a', max: 1, windowS: 60 }])).isRefused).toBe(false);
    expect((await counters.take([{ key: 'a', max: 1, windowS: 60 }])).isRefused).toBe(true);

    expect(await refusals()).toEqual([]);
  });

  it('may use every command that a script of BullMQ has in it', async () => {
    const scripts = join(dirname(createRequire(import.meta.url).resolve('bullmq')), 'scripts');
    const used = new Set(
      readdirSync(scripts).flatMap((file) =>
        [...readFileSync(join(scripts, file), 'utf8').matchAll(/\brcall\(\\?["'](\w+)/g)].map(([, name = '']) => name),
      ),
    );
    expect(used.size).toBeGreaterThan(40);
    const may = await allowed();
    expect([...used].filter((name) => !may.has(name.toLowerCase()))).toEqual([]);
  });

  it.each([
    ['empties nothing', ['FLUSHALL']],
    ['empties no database', ['FLUSHDB']],
    ['reads no settings', ['CONFIG', 'GET', '*']],
    ['changes no settings', ['CONFIG', 'SET', 'dir', '/tmp']],
    ['lists no keys', ['KEYS', '*']],
    ['lists no keys bit by bit', ['SCAN', '0']],
    ['debugs nothing', ['DEBUG', 'SLEEP', '0']],
    ['stops nothing', ['SHUTDOWN', 'NOSAVE']],
    ['makes it no replica', ['REPLICAOF', 'NO', 'ONE']],
    ['writes no file', ['SAVE']],
    ['loads no module', ['MODULE', 'LIST']],
    ['changes no users', ['ACL', 'SETUSER', 'edgechat_app', '+@all']],
    ['listens to nobody', ['MONITOR']],
    ['ends no connections', ['CLIENT', 'KILL', 'TYPE', 'normal']],
    ['adds no functions', ['FUNCTION', 'LIST']],
    ['reads no key but ours', ['GET', 'session:1']],
    ['writes no key but ours', ['SET', 'edgechat:1', 'x']],
    ['copies no key to elsewhere', ['RENAME', '{edgechat}:test:a', 'other']],
    ['reads no key but ours in a script', ['EVAL', `return redis.call('GET', 'session:1')`, '0']],
    ['publishes on no channel but ours', ['PUBLISH', 'other', 'x']],
    ['hears no channel but ours', ['SUBSCRIBE', 'other']],
  ])('%s: %j', async (_, [command = '', ...args]) => {
    await expect(app.call(command, ...args)).rejects.toThrow(/NOPERM|permission|can't access|ACL failure|not allowed/);
  });

  it('is the one of docs/deploy.md', () => {
    expect(readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8')).toContain(
      `user edgechat_app reset resetchannels on >PASSWORD ${REDIS_RULES}\n`,
    );
  });

  it('logs in with the newest password alone, when that line is given to ACL SETUSER again', async () => {
    const [, line = ''] =
      /^ {4}user (edgechat_app .*)$/m.exec(readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8')) ?? [];
    const logIn = (password: string): Promise<unknown> => app.call('AUTH', 'other_app', password);
    for (const password of ['first', 'second'])
      await operator.call(
        'ACL',
        'SETUSER',
        ...line.replace('edgechat_app', 'other_app').replace('PASSWORD', password).split(' '),
      );
    await expect(logIn('first')).rejects.toThrow('WRONGPASS');
    expect(await logIn('second')).toBe('OK');
  });
});
