import { eventually, sql, startStack, type Answer, type Client, type Json, type Stack } from '@edgechat/testing';
import { failByCode, PROVIDER_CODES, questionThat } from './failing-provider.js';
import { expectProblem, FINAL_CODES } from './problems.js';
import { idOf } from './scene.js';

/** By code: the status of a send and of `/ai/complete`, and `Retry-After` where the provider named no wait; null for none. */
const CODES = {
  ai_not_configured: { send: 503, complete: 503, retryAfter: '60' },
  ai_failed: { send: 503, complete: 503, retryAfter: '5' },
  ai_timed_out: { send: 503, complete: 503, retryAfter: '5' },
  ai_overloaded: { send: 503, complete: 503, retryAfter: '5' },
  ai_quota_exceeded: { send: 429, complete: 429, retryAfter: '60' },
  budget_exhausted: { send: 429, complete: 429, retryAfter: '60' },
  ai_misconfigured: { send: 503, complete: 503, retryAfter: '300' },
  ai_refused: { send: 503, complete: 422, retryAfter: null },
  ai_input_too_long: { send: 503, complete: 422, retryAfter: null },
} as const;
type Code = keyof typeof CODES;
const ALL = Object.keys(CODES) as Code[];

let stack: Stack;
/** Of an API whose answers may take two seconds. */
let hastyUrl: string;
beforeAll(async () => {
  stack = await startStack({ workers: 0, env: { AI_TIMEOUT_MS: '20000' } });
  failByCode(stack.provider);
  const hasty = await stack.add('api');
  await hasty.start({ AI_TIMEOUT_MS: '2000' });
  hastyUrl = stack.url(stack.apis.indexOf(hasty));
});
afterAll(() => stack.close());

const pathOf = (id: string): string => `/chat/conversations/${id}/messages`;
const one = async (client: Client, id: string, seq = 1): Promise<Json> =>
  (await client.get(`${pathOf(id)}/${seq}`)).body;
/** Ends the reply to a conversation's first message without a worker; false while there is none. */
const fail = async (id: string, columns: string): Promise<boolean> => {
  const rows = await sql(
    stack.databaseUrl,
    `update edgechat.replies set status = 'failed', lease_until = null, ${columns} where conversation_id = $1 and question_seq = 1 returning id`,
    [id],
  );
  return rows.length > 0;
};
const failedWith = (code: string, retryAfterS: number | null): object => ({
  id: expect.any(String),
  status: 'failed',
  is_input_cut: false,
  failure: { code, detail: expect.stringMatching(/^[A-Z].{10,}\.$/), retry_after_s: retryAfterS },
});

describe('a failed answer, whoever ended its reply', () => {
  const told = new Map<string, { client: Client; id: string; answer: Answer }>();
  /** Sends in a conversation of its own, and has the reply end so. */
  async function tell(name: string, columns: string): Promise<void> {
    const client = await stack.client().register();
    const id = await client.conversation();
    const sending = client.send(id, 'why?', 'key');
    await eventually(() => fail(id, columns));
    told.set(name, { client, id, answer: await sending });
  }
  const toldOf = (name: string): { client: Client; id: string; answer: Answer } => {
    const found = told.get(name);
    if (found === undefined) throw new Error(`nobody was told of ${name}`);
    return found;
  };
  beforeAll(async () => {
    await Promise.all([
      ...ALL.map((code) => tell(code, `failure = '${code}', failure_code = 'ai_failed'`)),
      ...ALL.map((code) => tell(`${code} 17`, `failure = '${code}', failure_code = 'ai_failed', retry_after_s = 17`)),
      tell('before', `failure_code = 'ai_quota_exceeded', retry_after_s = 9`),
      tell('after', `failure = 'ai_on_fire', failure_code = 'ai_failed', is_input_cut = true`),
    ]);
  });

  it.each(ALL)('is told to who waits, with Retry-After or without: %s', (code) => {
    const { send, retryAfter } = CODES[code];
    for (const [name, wait, stored] of [
      [code, retryAfter, null],
      [`${code} 17`, retryAfter && '17', 17],
    ] as const) {
      const { answer } = toldOf(name);
      expectProblem(answer, send, code);
      expect([name, answer.headers.get('retry-after')]).toEqual([name, wait]);
      expect(answer.body['user_message']).toMatchObject({
        seq: 1,
        content: 'why?',
        finish_reason: null,
        reply: failedWith(code, stored),
      });
    }
  });

  it.each(ALL)('is seen on the message later, the same wherever it is read: %s', async (code) => {
    const { client, id, answer } = toldOf(`${code} 17`);
    const shown = answer.body['user_message'];
    expect(await one(client, id)).toEqual(shown);
    for (const query of ['', '?after_seq=0', '?before_seq=9', '?skip=0'])
      expect((await client.get(`${pathOf(id)}${query}`)).body['messages']).toEqual([shown]);
  });

  it('of the release before, and of a later one, is told as far as it is known', () => {
    const [before, after] = [toldOf('before').answer, toldOf('after').answer];
    expectProblem(before, 429, 'ai_quota_exceeded');
    expect(before.body['user_message'].reply).toEqual(failedWith('ai_quota_exceeded', 9));
    expectProblem(after, 503, 'ai_failed');
    expect(after.body['user_message'].reply).toEqual({ ...failedWith('ai_failed', null), is_input_cut: true });
  });

  it('in a group is seen by every member, and by who sends it again; those who join later see it too', async () => {
    const [ada, bob, eve] = [
      await stack.client().register(),
      await stack.client().register(),
      await stack.client().register(),
    ];
    const id = await ada.conversation({ kind: 'group', assistant: 'mention', member_ids: [await idOf(bob)] });
    const sent = await ada.send(id, '@assistant why?', 'key');
    const queued = { id: expect.any(String), status: 'queued', is_input_cut: false, failure: null };
    expect([sent.status, sent.body['reply'], sent.body['user_message'].reply]).toEqual([200, queued, queued]);
    expect((await one(bob, id)).reply).toEqual(sent.body['reply']);
    const plain = await bob.send(id, 'nobody is asked');
    expect([plain.body['reply'], plain.body['user_message'].reply]).toEqual([null, null]);

    await fail(id, `failure = 'ai_refused', failure_code = 'ai_failed'`);
    await ada.post(`/chat/conversations/${id}/members`, { account_ids: [await idOf(eve)] });

    const failed = { ...failedWith('ai_refused', null), id: sent.body['reply'].id };
    for (const member of [ada, bob, eve]) {
      expect((await one(member, id)).reply).toEqual(failed);
      expect((await member.messages(id)).map(({ reply }) => reply)).toEqual([failed, null]);
    }
  });

  it('is found by a search with its message', async () => {
    const { client, id, answer } = toldOf('ai_overloaded 17');
    const { body } = await client.get(`/search?conversation_id=${id}`);
    expect((body['hits'] as Json[]).map(({ message }) => message as Json)).toEqual([answer.body['user_message']]);
  });

  it('without a word in time is ai_timed_out for a prompt, and answer_pending for a message whose reply goes on', async () => {
    const client = (await stack.client().register()).at(hastyUrl);
    const id = await client.conversation();
    const [sent, completed] = await Promise.all([
      client.send(id, 'nobody there'),
      client.post('/ai/complete', { prompt: 'nobody there' }),
    ]);

    expectProblem(completed, 503, 'ai_timed_out');
    expectProblem(sent, 503, 'answer_pending');
    expect(sent.body['user_message'].reply).toEqual({
      id: expect.any(String),
      status: 'queued',
      is_input_cut: false,
      failure: null,
    });
  });
});

describe('a provider that fails', () => {
  beforeAll(async () => {
    await (await stack.add('worker')).start();
  });
  const codes = PROVIDER_CODES as Code[];
  const clientFor = async (code: Code): Promise<Client> => {
    const client = await stack.client().register();
    return code === 'ai_timed_out' ? client.at(hastyUrl) : client;
  };
  const named = (code: Code): string | null =>
    ['ai_overloaded', 'ai_quota_exceeded'].includes(code) ? '3000' : CODES[code].retryAfter;

  it.each(codes)(
    'is told to who sends by its own code, kept on the message, and asked again only where that helps: %s',
    async (code) => {
      const client = await clientFor(code);
      const id = await client.conversation();
      const question = questionThat(code, `of ${client.email}`);

      const failed = await client.send(id, question, 'key');
      const calls = stack.provider.requests(question).length;
      const repeat = await client.send(id, question, 'key');

      for (const answer of [failed, repeat]) {
        expectProblem(answer, CODES[code].send, code);
        expect(answer.headers.get('retry-after')).toBe(named(code));
        expect(answer.body['user_message']).toMatchObject({ seq: 1, content: question });
        expect(answer.body['user_message'].reply.failure).toMatchObject({ code });
      }
      expect(calls).toBeGreaterThan(0);
      expect(stack.provider.requests(question).length > calls).toBe(!FINAL_CODES.includes(code));
      expect(await one(client, id)).toEqual(repeat.body['user_message']);

      const next = await client.send(id, `and then, ${client.email}?`);
      expect([next.status, next.body['model_message']?.finish_reason]).toEqual([200, 'stop']);
    },
  );

  it.each(codes)('is told to who asks /ai/complete by its own code: %s', async (code) => {
    const client = await clientFor(code);

    const answer = await client.post('/ai/complete', { prompt: questionThat(code) });

    expectProblem(answer, CODES[code].complete, code);
    expect(answer.headers.get('retry-after')).toBe(named(code));
    expect(answer.body['user_message']).toBeUndefined();
  });

  it.each(codes.filter((code) => code !== 'ai_timed_out'))(
    'has a group see why a mention was not answered, and the next one is: %s',
    async (code) => {
      const [ada, bob] = [await stack.client().register(), await stack.client().register()];
      const id = await ada.conversation({ kind: 'group', assistant: 'mention', member_ids: [await idOf(bob)] });
      await ada.send(id, `@assistant ${questionThat(code)}`);

      await eventually(async () => (await one(bob, id)).reply.status === 'failed');
      expect((await one(bob, id)).reply.failure.code).toBe(code);
      expect(await one(bob, id)).toMatchObject({ reply: (await one(ada, id)).reply });

      await bob.send(id, '@assistant are you there?');
      await eventually(async () => (await ada.messages(id)).some(({ role }) => role === 'model'));
      expect((await one(ada, id, 2)).reply).toMatchObject({ status: 'done', failure: null });
    },
  );
});

describe('an answer', () => {
  it('says why the model stopped, and its question that it was answered, whole', async () => {
    const client = await stack.client().register();
    const id = await client.conversation();
    const { body } = await client.send(id, 'hello', 'key');

    const reply = { id: expect.any(String), status: 'done', is_input_cut: false, failure: null };
    expect(body).toMatchObject({
      user_message: { reply, finish_reason: null },
      model_message: { reply: null, finish_reason: 'stop' },
      reply,
    });
    expect(await client.messages(id)).toEqual([body['user_message'], body['model_message']]);
    expect((await client.send(id, 'hello', 'key')).body).toEqual(body);
    expect((await client.post('/ai/complete', { prompt: 'hi' })).body).toEqual({
      text: 'echo: hi',
      is_input_cut: false,
      finish_reason: 'stop',
    });
  });
});
