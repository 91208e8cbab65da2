import { eventually, sql, startStack, type AppProcess, type Client, type Json, type Stack } from '@edgechat/testing';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 1, workers: 0 });
});
afterAll(() => stack.close());

const requests = (question: string): number => stack.provider.requests(question).length;
const charges = (conversation: string): Promise<object[]> =>
  sql(stack.databaseUrl, 'select id from edgechat.answer_usage where conversation_id = $1', [conversation]);
const answers = async (client: Client, conversation: string): Promise<Json[]> =>
  (await client.messages(conversation)).filter(({ role }) => role === 'model');

async function withWorker(use: () => Promise<void>): Promise<void> {
  const worker: AppProcess = await stack.add('worker');
  await worker.start();
  try {
    await use();
  } finally {
    await worker.stop('SIGKILL');
  }
}

describe('a group question whose provider has no quota for now', () => {
  it('is answered by another worker once it has, when the first one is killed meanwhile: two calls, one charge', async () => {
    const client = await stack.client(0).register();
    const group = await client.conversation({ kind: 'group', assistant: 'always' });
    const dying = await stack.add('worker');
    await dying.start({ KILL_AT: 'reply.failed' });
    expect((await client.send(group, 'a group waits [[quota 2 x1]]')).status).toBe(200);
    expect(await dying.exited()).toBeNull();
    expect(await answers(client, group)).toEqual([]);

    await withWorker(async () => {
      await eventually(async () => (await answers(client, group)).length === 1, { withinMs: 60_000 });
    });

    expect(stack.provider.requests().filter(({ question }) => question.includes('a group waits'))).toHaveLength(2);
    expect(await charges(group)).toHaveLength(1);
  });
});

describe('who waits for an answer', () => {
  it('of a provider that is overloaded for 2 s gets it: of a send, and of a prompt', async () => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation();
    const overloaded = { kind: 'fail', status: 503, retryAfter: '2' } as const;
    const judge = stack.provider.judge(({ question }) =>
      question.startsWith('overloaded') && requests(question) === 1 ? overloaded : null,
    );

    await withWorker(async () => {
      const [sent, completed] = await Promise.all([
        client.send(conversation, 'overloaded: a send', 'k'),
        client.call('POST', '/ai/complete', { body: { prompt: 'overloaded: a prompt' } }),
      ]);
      expect([sent.status, completed.status]).toEqual([200, 200]);
      expect(sent.body['model_message'].content).toBe('echo: overloaded: a send');
      expect(completed.body['text']).toBe('echo: overloaded: a prompt');
    });

    judge.forget();
    expect(['a send', 'a prompt'].map((words) => requests(`overloaded: ${words}`))).toEqual([2, 2]);
    expect(await charges(conversation)).toHaveLength(1);
  });

  it('of one whose quota is used up is told at once when it comes back, and asks nobody by reading', async () => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation();

    await withWorker(async () => {
      const sent = await client.send(conversation, 'no quota [[quota 40]]', 'k');
      expect([sent.status, sent.body['code'], sent.headers.get('retry-after')]).toEqual([
        429,
        'ai_quota_exceeded',
        '40',
      ]);
    });
    expect(requests('no quota [[quota 40]]')).toBe(1);
  });
});
