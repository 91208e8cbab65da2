import { eventually, startStack, type Answer, type Client, type Stack } from '@edgechat/testing';
import { upTo } from './people.js';

const LONG = 'x'.repeat(32_000);

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    env: { AI_CONCURRENCY: '4', AI_CONCURRENCY_RESERVED: '1', AI_CONCURRENCY_PER_ACCOUNT: '4' },
  });
});
afterAll(() => stack.close());

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);

/** A conversation of the client's with 100 messages as long as they may be, all of them in MongoDB. */
async function aLongConversation(client: Client): Promise<string> {
  const id = await client.conversation({ assistant: 'off' });
  for (let sent = 0; sent < 100; sent += 20)
    expect(statuses(await Promise.all(upTo(20).map(() => client.send(id, LONG))))).toEqual(Array(20).fill(200));
  return id;
}

describe('one account that reads as much as it can', () => {
  it('takes neither reads nor sends from a stranger: each of their calls is 200', async () => {
    const [reader, stranger] = [await stack.client().register(), await stack.client().register()];
    const long = await aLongConversation(reader);
    const own = await stranger.conversation({ assistant: 'off' });
    await stranger.send(own, 'hello');

    let isOver = false;
    const reading = upTo(20).map(async () => {
      const seen = new Set<number>();
      while (!isOver) seen.add((await reader.get(`/chat/conversations/${long}/messages?limit=100&skip=0`)).status);
      return [...seen];
    });
    for (const n of upTo(10)) {
      const answers = [
        await stranger.send(own, `hello ${n}`),
        await stranger.get(`/chat/conversations/${own}/messages?before_seq=1000000`),
        await stranger.get('/chat/conversations'),
      ];
      expect(statuses(answers)).toEqual([200, 200, 200]);
      expect(answers[1]?.body['messages']).toHaveLength(n + 1);
    }
    isOver = true;

    // What is too much is refused by 503, and only to who asks for it.
    for (const seen of await Promise.all(reading)) expect([200, 503]).toEqual(expect.arrayContaining(seen));
    expect((await reader.get(`/chat/conversations/${long}/messages?limit=100&skip=0`)).body['messages']).toHaveLength(
      100,
    );
  }, 120_000);

  it('goes on by has_more through pages of about 1 MiB, and sees each message once', async () => {
    const reader = await stack.client().register();
    const long = await aLongConversation(reader);
    const seen: number[] = [];
    for (let hasMore = true; hasMore;) {
      const { status, body } = await reader.get(
        `/chat/conversations/${long}/messages?limit=100&after_seq=${seen.at(-1) ?? 0}`,
      );
      expect(status).toBe(200);
      expect(body['messages'].length).toBeLessThanOrEqual(Math.floor(1_048_576 / LONG.length));
      seen.push(...body['messages'].map(({ seq }: { seq: number }) => seq));
      hasMore = Boolean(body['has_more']);
    }

    expect(seen).toEqual(upTo(100));
  });
});

describe('accounts that have as many questions waiting as they can', () => {
  it("do not stand before a stranger's first, and all are answered", async () => {
    const askers = await Promise.all(upTo(6).map(() => stack.client().register()));
    const stranger = await stack.client().register();
    const ask = async (client: Client, name: string, isPrompt: boolean): Promise<Answer> =>
      isPrompt
        ? client.post('/ai/complete', { prompt: `${name} [[slow 1000]]` })
        : client.send(await client.conversation(), `${name} [[slow 1000]]`);
    const calls = (): string[] =>
      stack.provider
        .requests()
        .map(({ question }) => question)
        .filter((question) => question.startsWith('turn of'));

    const asked = askers.flatMap((client, n) =>
      upTo(4).map((nth) => ask(client, `turn of ${n}: ${nth}`, nth % 2 === 0)),
    );
    await eventually(() => calls().length >= 4);
    asked.push(ask(stranger, 'turn of the stranger: 1', true));
    const answers = await Promise.all(asked);

    expect(statuses(answers)).toEqual(Array(25).fill(200));
    expect(calls()).toHaveLength(25);
    // Before it are those that run, a first one of each of the 6, and as many again as may begin meanwhile; in the order they came it would be the last.
    expect(calls().findIndex((name) => name.includes('stranger'))).toBeLessThan(14);
  }, 90_000);
});
