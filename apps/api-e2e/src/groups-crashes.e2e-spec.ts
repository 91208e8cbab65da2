import { randomUUID } from 'node:crypto';
import { eventually, sql, startStack, type Client, type Json, type Stack } from '@edgechat/testing';
import {
  emptyRedis,
  groupOf,
  idsOf,
  inboxOf,
  owed,
  people,
  searched,
  sendUntilTaken,
  upTo,
  type Person,
} from './people.js';

let stack: Stack;
let crowd: Person[];
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 2 });
  crowd = await people(stack, 12);
});
afterAll(() => stack.close());

const EACH = 5;

/** A group of all, which each has another one above; and a word that is in every message of it. */
async function aGroup(): Promise<{ group: string; decoy: string; word: string }> {
  const group = await groupOf(crowd[0]!, crowd.slice(1));
  return {
    group,
    decoy: await groupOf(crowd[1]!, [...crowd.slice(2), crowd[0]!]),
    word: `w${randomUUID().replaceAll('-', '')}`,
  };
}

/** All of the crowd send at once, each one message after the other, over `first` as far as that lives, with a repeat of every third message; gives what was accepted. */
async function sendAll(group: string, word: string, first: (of: Person) => Client): Promise<Json[]> {
  const accepted = new Map<string, Json>();
  await Promise.all(
    crowd.map(async (person, p) => {
      for (const n of upTo(EACH)) {
        const sends = upTo(n % 3 ? 1 : 2).map(() =>
          sendUntilTaken([first(person), person.client, person.there], group, `${word} of ${p}: ${n}`, `key ${n}`),
        );
        for (const { body } of await Promise.all(sends))
          accepted.set(String(body['user_message'].id), body['user_message']);
      }
    }),
  );
  return [...accepted.values()];
}

/** What was accepted is there once, numbered without a hole, the same to all; and within 10 s every member's inbox and search have it, and nothing is owed. */
async function holdsAll(
  { group, decoy, word }: { group: string; decoy: string; word: string },
  accepted: readonly Json[],
): Promise<void> {
  expect(accepted).toHaveLength(crowd.length * EACH);
  await eventually(
    async () => {
      for (const { id, client, there } of crowd) {
        const [first, second] = await inboxOf(there);
        const mine = Math.max(...accepted.filter(({ author_id }) => author_id === id).map(({ seq }) => Number(seq)));
        expect([first?.['id'], second?.['id']]).toEqual([group, decoy]);
        expect(first).toMatchObject({
          last_seq: accepted.length,
          read_seq: mine,
          unread_count: accepted.length - mine,
          last_message: { seq: accepted.length },
        });
        expect(idsOf(await searched(client, word)).sort()).toEqual(idsOf(accepted).sort());
      }
      return (await owed(stack, group)) === 0;
    },
    { withinMs: 10_000 },
  );
  const [seen, ...same] = await Promise.all(crowd.slice(0, 4).map(({ client }) => client.messages(group)));
  expect(seen?.map(({ seq }) => seq)).toEqual(upTo(accepted.length));
  expect(idsOf(seen ?? []).sort()).toEqual(idsOf(accepted).sort());
  for (const messages of same) expect(idsOf(messages)).toEqual(idsOf(seen ?? []));
}

interface Death {
  /** Where the worker kills itself, and which time. */
  readonly at?: readonly [point: string, time: number];
  /** Resolves when the worker is to be killed, where it does not kill itself. */
  readonly when?: () => Promise<unknown>;
  /** What happens before others come. */
  readonly then?: () => Promise<unknown>;
}

/** Does `work` with one worker, which dies while it is done, and after it two others. */
async function withDyingWorker<T>(
  work: () => Promise<T>,
  { at: [point, time] = ['', 1], when, then }: Death,
): Promise<T> {
  const others = stack.workers.slice(0, 2);
  await Promise.all(others.map((worker) => worker.stop('SIGKILL')));
  const dying = await (await stack.add('worker')).start({ KILL_AT: point, KILL_AFTER: String(time) });
  const working = work();
  await (when ? when().then(() => dying.stop('SIGKILL')) : dying.exited());
  const result = await working;
  await then?.();
  await Promise.all(others.map((worker) => worker.start()));
  return result;
}

describe('guarantees 1 to 4: an API that is killed while all of a group send', () => {
  it.each([
    ['send.committed', 1],
    ['send.stored', 3],
    ['send.rung', 2],
  ] as const)(
    'at %s (time %i) loses nothing and doubles nothing; every inbox and search has it within 10 s',
    async (point, after) => {
      const scene = await aGroup();
      const api = await (await stack.add('api')).start({ KILL_AT: point, KILL_AFTER: String(after) });
      const url = stack.url(stack.apis.indexOf(api));

      const accepted = await sendAll(scene.group, scene.word, ({ client }) => client.at(url));

      expect(api.isRunning).toBe(false);
      await holdsAll(scene, accepted);
    },
  );
});

describe("guarantees 3 and 4: the work that a group's messages cause", () => {
  it.each([1, 4])('is done by others within 10 s when a worker is killed after its job %i', async (after) => {
    const scene = await aGroup();

    const accepted = await withDyingWorker(() => sendAll(scene.group, scene.word, ({ client }) => client), {
      at: ['job.done', after],
    });

    await holdsAll(scene, accepted);
  });

  it('is done within 10 s when the worker is killed in the middle, and the queues are lost with it', async () => {
    const scene = await aGroup();
    const isBegun = (): Promise<unknown> =>
      eventually(async () => (await crowd[0]!.client.get(`/chat/conversations/${scene.group}`)).body['last_seq'] > 0, {
        everyMs: 5,
      });

    const accepted = await withDyingWorker(() => sendAll(scene.group, scene.word, ({ client }) => client), {
      when: isBegun,
      then: () => emptyRedis(stack),
    });

    await holdsAll(scene, accepted);
  });

  it('is done within 10 s when Redis is emptied again and again under the load', async () => {
    const scene = await aGroup();
    let isOver = false;

    const sending = sendAll(scene.group, scene.word, ({ client }) => client).finally(() => (isOver = true));
    let flushes = 0;
    for (; !isOver; flushes += 1) await emptyRedis(stack);
    await emptyRedis(stack);

    expect(flushes).toBeGreaterThan(1);
    await holdsAll(scene, await sending);
  });
});

describe('guarantee 5: one answer', () => {
  const unended = async (group: string): Promise<unknown> =>
    (
      await sql<{ n: number }>(
        stack.databaseUrl,
        `select count(*)::int as n from edgechat.replies where conversation_id = $1 and status <> 'done'`,
        [group],
      )
    )[0]?.n;
  const charged = async (group: string): Promise<unknown[]> =>
    (
      await sql<{ id: number }>(
        stack.databaseUrl,
        'select account_id::float8 as id from edgechat.answer_usage where conversation_id = $1 order by 1',
        [group],
      )
    ).map(({ id }) => id);

  const ASKERS = 6;
  const ask = (group: string, words: string): Promise<number[]> =>
    Promise.all(
      crowd
        .slice(0, ASKERS)
        .map(async ({ client, there }, n) =>
          Number(
            (await sendUntilTaken([client, there], group, `@assistant question ${n} ${words}`, 'k')).body[
              'user_message'
            ].seq,
          ),
        ),
    );

  it.each([
    ['reply.answered', 1],
    ['reply.appended', 2],
    ['once it has asked the provider', 0],
  ] as const)(
    'each question of a group has one, charged once to who asked, though the worker is killed: %s (time %i)',
    async (point, after) => {
      const group = await groupOf(crowd[0]!, crowd.slice(1), { assistant: 'mention' });
      const words = `${point} ${after} [[slow 200]]`;
      const isAsked = (): Promise<unknown> =>
        eventually(() => stack.provider.requests().some(({ question }) => question.includes(words)), { everyMs: 5 });

      const questions = await withDyingWorker(
        () => ask(group, words),
        after === 0 ? { when: isAsked } : { at: [point, after] },
      );
      // Repeats, while answers are owed, ask for nothing anew.
      expect(await ask(group, words)).toEqual(questions);

      const seen = await eventually(
        async () => {
          const messages = await crowd[7]!.there.messages(group);
          return messages.length >= 2 * ASKERS && messages;
        },
        { withinMs: 60_000 },
      );
      await eventually(async () => (await owed(stack, group)) === 0, { withinMs: 10_000 });
      expect(await crowd[8]!.client.messages(group)).toEqual(seen);
      expect(seen.map(({ seq }) => seq)).toEqual(upTo(2 * ASKERS));
      const answers = seen.filter(({ role }) => role === 'model');
      expect(answers.map(({ answers_seq }) => answers_seq)).toEqual([...questions].sort((a, b) => a - b));
      for (const { answers_seq, content } of answers)
        expect(String(content)).toContain(String(seen.find(({ seq }) => seq === answers_seq)?.['content']));
      expect(await charged(group)).toEqual(
        crowd
          .slice(0, ASKERS)
          .map(({ id }) => id)
          .sort((a, b) => a - b),
      );
      expect(await unended(group)).toBe(0);
    },
  );
});
