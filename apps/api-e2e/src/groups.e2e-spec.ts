import { eventually, startStack, type Client, type Json, type Stack } from '@edgechat/testing';
import { groupOf, idsOf, inboxOf, owed, people, upTo, type Person } from './people.js';

let stack: Stack;
let crowd: Person[];
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 0 });
  for (let n = 0; n < 2; n += 1) await (await stack.add('worker')).start({ LOG_LEVEL: 'debug' });
  crowd = await people(stack, 20);
});
afterAll(() => stack.close());

const CROWD = 20;
const seqsOf = (messages: readonly Json[]): unknown[] => messages.map(({ seq }) => seq);
const crowdGroup = (): Promise<string> => groupOf(crowd[0]!, crowd.slice(1));

/** Reads the newest messages again and again until `work` is over; a busy machine may refuse some, and never answer with a hole. */
async function pagesWhile(work: Promise<unknown>, client: Client, group: string): Promise<Json[]> {
  let isOver = false;
  void work.finally(() => (isOver = true)).catch(() => undefined);
  const pages: Json[] = [];
  while (!isOver) {
    const { status, body } = await client.get(
      `/chat/conversations/${group}/messages?limit=30&before_seq=9007199254740991`,
    );
    expect([200, 503]).toContain(status);
    if (status === 200) pages.push(body);
  }
  return pages;
}

describe('guarantees 1 and 2: 20 people of a group who send at once through two APIs, and repeat what they sent', () => {
  it('are numbered 1, 2, 3 …, each message once, and everybody sees the same; no page had a hole meanwhile', async () => {
    const group = await crowdGroup();
    const wanted = crowd.flatMap((person, p) =>
      upTo(10).map((n) => ({ person, content: `${p} says ${n}`, key: `key ${n}`, repeats: 1 + ((p + n) % 3) })),
    );

    const sending = Promise.all(
      wanted.flatMap(({ person, content, key, repeats }) =>
        upTo(repeats).map((n) => (n % 2 ? person.client : person.there).send(group, content, key)),
      ),
    );
    const [answers, ...pages] = await Promise.all([
      sending,
      ...crowd.slice(0, 4).map(({ client }) => pagesWhile(sending, client, group)),
    ]);

    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(wanted.length);
    const seen = await crowd[0]!.client.messages(group);
    expect(seqsOf(seen)).toEqual(upTo(wanted.length));
    expect(seen.map(({ author_id, content }) => `${author_id} ${content}`).sort()).toEqual(
      wanted.map(({ person, content }) => `${person.id} ${content}`).sort(),
    );
    const times = seen.map(({ created_at }) => String(created_at));
    expect([...times].sort()).toEqual(times);
    const placeOf = new Map(seen.map(({ id, seq }) => [id, seq]));
    for (const { body } of answers) expect(body['user_message'].seq).toBe(placeOf.get(body['user_message'].id));

    // A client key is for its author's eyes only; all else is the same to all.
    const toAll = (messages: readonly Json[]): unknown[] =>
      messages.map((message) => ({ ...message, client_id: null }));
    for (const { client, there } of crowd)
      expect(toAll(await (placeOf.size % 2 ? client : there).messages(group))).toEqual(toAll(seen));
    const shown = pages.flat();
    expect(shown.filter(({ messages }) => messages.length > 0).length).toBeGreaterThan(4);
    for (const { messages, has_more } of shown) {
      const first = Number(messages[0]?.seq ?? 1);
      expect([seqsOf(messages), has_more]).toEqual([upTo(messages.length).map((n) => first + n - 1), first > 1]);
    }
  });

  it('make one message of a key each, however often and wherever they repeat it; of one key by 20 authors, 20', async () => {
    const group = await crowdGroup();

    const answers = await Promise.all(
      crowd.flatMap(({ id, client, there }) =>
        [client, there, client, there, client].map(async (device) => ({
          id,
          answer: await device.send(group, 'the same words', 'the same key'),
        })),
      ),
    );

    expect(answers.map(({ answer: { status } }) => status)).toEqual(Array(CROWD * 5).fill(200));
    expect(
      answers.map(({ answer: { body } }) => [body['user_message'].author_id, body['user_message'].client_id]),
    ).toEqual(answers.map(({ id }) => [id, 'the same key']));
    expect(new Set(answers.map(({ answer: { body } }) => JSON.stringify(body['user_message']))).size).toBe(CROWD);
    expect(seqsOf(await crowd[7]!.there.messages(group))).toEqual(upTo(CROWD));
  });

  it('are refused a key that comes with other content, at once and later, and what was sent first stands', async () => {
    const group = await crowdGroup();

    const answers = await Promise.all(
      crowd.flatMap(({ client, there }) => [client, there].map((device, n) => device.send(group, `version ${n}`, 'k'))),
    );
    const later = await Promise.all(crowd.map(({ there }) => there.send(group, 'version 2', 'k')));

    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array<number>(CROWD).fill(200),
      ...Array<number>(CROWD).fill(422),
    ]);
    expect([...answers.filter(({ status }) => status === 422), ...later].map(({ body }) => body['code'])).toEqual(
      Array(2 * CROWD).fill('idempotency_key_reused'),
    );
    const taken = answers.filter(({ status }) => status === 200).map(({ body }) => body['user_message'].content);
    expect((await crowd[3]!.client.messages(group)).map(({ content }) => content).sort()).toEqual(taken.sort());
  });
});

describe('a burst of 1,000 messages in one group', () => {
  /** How often the workers' jobs of fan-out ran, and how often one of them wrote the members' inboxes. */
  async function fanOuts(): Promise<{ runs: number; writes: number }> {
    const lines = stack.workers.flatMap(({ output }) => output.split('\n'));
    const calls = await Promise.all(stack.workers.map((worker) => worker.storeCalls()));
    return {
      runs: lines.filter((line) => line.includes('"job done"') && line.includes('"conversations.fan-out-messages"'))
        .length,
      writes: calls.map((of) => of['postgres conversations.order_inboxes'] ?? 0).reduce((a, b) => a + b),
    };
  }

  it('is far fewer than 1,000 runs of fan-out, and every inbox is right in the end', async () => {
    const group = await crowdGroup();
    const decoy = await crowdGroup();
    const before = await fanOuts();

    const answers = await Promise.all(
      upTo(50).flatMap((n) => crowd.map(({ client }) => client.send(group, `burst ${n}`))),
    );

    expect(answers.map(({ status }) => status)).toEqual(Array(1_000).fill(200));
    const sent = answers.map(({ body }) => body['user_message']);
    await eventually(
      async () => {
        for (const { id, client } of crowd) {
          const [first, second] = (await client.get('/chat/conversations?limit=2')).body['conversations'];
          const mine = Math.max(...sent.filter(({ author_id }) => author_id === id).map(({ seq }) => Number(seq)));
          expect([first.id, second.id]).toEqual([group, decoy]);
          expect(first).toMatchObject({
            last_seq: 1_000,
            message_count: 1_000,
            read_seq: mine,
            unread_count: 1_000 - mine,
            last_message: { seq: 1_000, content: expect.stringMatching(/^burst /) },
          });
        }
        return (await owed(stack, group)) === 0;
      },
      { withinMs: 10_000 },
    );
    const after = await fanOuts();
    expect(after.runs).toBeGreaterThan(before.runs);
    expect([after.runs - before.runs < 250, after.writes - before.writes < 250]).toEqual([true, true]);
  });
});

describe('a direct conversation', () => {
  const ask = (who: Client, other: Person, headers: Readonly<Record<string, string>> = {}) =>
    who.post('/chat/conversations', { kind: 'direct', member_ids: [other.id] }, { headers });

  it('is one of each pair, whoever of the two asks, how often, at once, on both APIs: 201 once, 200 for all others', async () => {
    const pairs = upTo(5).map((n) => [crowd[n - 1]!, crowd[CROWD - n]!] as const);

    const asked = await Promise.all(
      pairs.map(([one, other]) =>
        Promise.all(
          upTo(4).flatMap((n) => [
            ask(one.client, other),
            ask(other.client, one),
            ask(one.there, other, { 'idempotency-key': 'mine' }),
            ask(other.there, one, { 'idempotency-key': `mine ${n}` }),
          ]),
        ),
      ),
    );

    for (const answers of asked) {
      expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(15).fill(200), 201]);
      expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1);
    }
    for (const [n, pair] of pairs.entries()) {
      for (const { client, there } of pair)
        for (const device of [client, there])
          expect((await inboxOf(device)).filter(({ kind }) => kind === 'direct').map(({ id }) => id)).toEqual([
            asked[n]?.[0]?.body['id'],
          ]);
    }
  });

  it('that either deletes ends for both; of those that race to follow it there is one, which both have', async () => {
    const [one, other] = (await people(stack, 2)) as [Person, Person];
    for (let round = 0; round < 5; round += 1) {
      const id = String((await ask(one.client, other)).body['id']);

      const [gone, ...asked] = await Promise.all([
        other.there.call('DELETE', `/chat/conversations/${id}`),
        ...upTo(8).map((n) => (n % 2 ? ask(one.client, other) : ask(other.client, one))),
      ]);

      expect(gone.status).toBe(204);
      // One that found the old one before its end, and shows it after, is told that it is gone.
      for (const { status } of asked) expect([200, 201, 404]).toContain(status);
      const now = await ask(one.there, other);
      expect(now.body['id']).not.toBe(id);
      expect([idsOf(await inboxOf(one.client)), idsOf(await inboxOf(other.client))]).toEqual([
        [now.body['id']],
        [now.body['id']],
      ]);
    }
  });
});
