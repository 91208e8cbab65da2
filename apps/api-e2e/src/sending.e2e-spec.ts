import { eventually, startStack, type Answer, type Stack } from '@edgechat/testing';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 2 });
});
afterAll(() => stack.close());

const seqsOf = (messages: readonly { readonly seq?: unknown }[]): unknown[] => messages.map(({ seq }) => seq);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe('guarantee 1: gap-free order', () => {
  it('numbers 40 sends at once through two API processes 1, 2, 3 … and shows everybody the same', async () => {
    const one = await stack.client(0).register();
    const other = one.at(stack.url(1));
    const conversation = await one.conversation({ assistant: 'off' });

    const answers = await Promise.all(upTo(40).map((n) => (n % 2 ? one : other).send(conversation, `message ${n}`)));

    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
    const seen = await one.messages(conversation);
    expect(seqsOf(seen)).toEqual(upTo(40));
    expect(new Set(seen.map(({ content }) => String(content)))).toEqual(new Set(upTo(40).map((n) => `message ${n}`)));
    expect(await other.messages(conversation)).toEqual(seen);
    const times = seen.map(({ created_at }) => String(created_at));
    expect([...times].sort()).toEqual(times);
  });

  it('keeps it with answers in between, each after its question, one per question', async () => {
    const one = await stack.client(0).register();
    const other = one.at(stack.url(1));
    const conversation = await one.conversation();

    const answers = await Promise.all(upTo(12).map((n) => (n % 2 ? one : other).send(conversation, `question ${n}`)));

    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
    const seen = await one.messages(conversation);
    expect(seqsOf(seen)).toEqual(upTo(24));
    const questions = seen.filter(({ role }) => role === 'user');
    const replies = seen.filter(({ role }) => role === 'model');
    expect(replies.map(({ answers_seq }) => answers_seq)).toEqual(questions.map(({ seq }) => seq));
    for (const { body } of answers) expect(body['model_message'].content).toBe(`echo: ${body['user_message'].content}`);
  });
});

describe('guarantee 2: sent once', () => {
  it('makes one message, with one answer, of the same key 20 times at once through two API processes', async () => {
    const one = await stack.client(0).register();
    const other = one.at(stack.url(1));
    const conversation = await one.conversation();

    const answers = await Promise.all(
      upTo(20).map((n) => (n % 2 ? one : other).send(conversation, 'only once [[slow 300]]', 'key-1')),
    );

    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => JSON.stringify([body['user_message'], body['model_message']]))).size).toBe(
      1,
    );
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect(await one.messages(conversation)).toHaveLength(2);
    expect(stack.provider.requests('only once [[slow 300]]')).toHaveLength(1);
  });

  it('refuses the same key with other content, and takes it in another conversation', async () => {
    const client = await stack.client().register();
    const [conversation, another] = [
      await client.conversation({ assistant: 'off' }),
      await client.conversation({ assistant: 'off' }),
    ];
    await client.send(conversation, 'first', 'key');

    const refused = await client.send(conversation, 'second', 'key');

    expect([refused.status, refused.body['code']]).toEqual([422, 'idempotency_key_reused']);
    expect((await client.send(another, 'second', 'key')).status).toBe(200);
    expect(await client.messages(conversation)).toHaveLength(1);
  });

  it('takes the key from the header or the body, and refuses two that differ', async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation({ assistant: 'off' });
    const path = `/chat/conversations/${conversation}/messages`;

    const first = await client.send(conversation, 'text', 'k');
    const repeat = await client.post(path, { content: 'text', client_id: 'k' });
    const differs = await client.post(
      path,
      { content: 'text', client_id: 'x' },
      { headers: { 'idempotency-key': 'k' } },
    );

    expect(repeat.body['user_message']).toEqual(first.body['user_message']);
    expect(repeat.headers.get('idempotency-replayed')).toBe('true');
    expect(differs.status).toBe(422);
  });

  it('asks anew for an answer that failed, and only then', async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation();
    const question = 'fails first [[fail 400 x1]]';

    const failed = await client.send(conversation, question, 'k');
    const repeat: Answer = await client.send(conversation, question, 'k');
    const again = await client.send(conversation, question, 'k');

    expect([failed.status, failed.body['code']]).toEqual([503, 'ai_failed']);
    expect(failed.headers.get('retry-after')).toMatch(/^[0-9]+$/);
    expect(failed.body['user_message']).toMatchObject({ seq: 1, role: 'user', content: question });
    const { reply } = failed.body['user_message'];
    expect(reply).toMatchObject({ status: 'failed', failure: { code: 'ai_failed' } });
    expect([repeat.status, repeat.body['user_message']]).toEqual([
      200,
      { ...failed.body['user_message'], reply: { ...reply, status: 'done', failure: null } },
    ]);
    expect(again.body['model_message']).toEqual(repeat.body['model_message']);
    expect(stack.provider.requests(question)).toHaveLength(2);
    expect(await client.messages(conversation)).toHaveLength(2);
  });

  it('makes one conversation of the same key at once, and refuses the key with other content', async () => {
    const client = await stack.client().register();
    const create = (title: string) =>
      client.post('/chat/conversations', { title }, { headers: { 'idempotency-key': 'c1' } });

    const made = await Promise.all(upTo(10).map(() => create('one')));

    expect(made.map(({ status }) => status).sort()).toEqual([...Array<number>(9).fill(200), 201]);
    expect(new Set(made.map(({ body }) => body['id'])).size).toBe(1);
    expect((await create('two')).status).toBe(422);
  });
});

describe('an answer', () => {
  it('comes though the client went away', async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation();

    await expect(client.send(conversation, 'gone [[slow 700]]', 'k', { timeoutMs: 200 })).rejects.toThrow();
    const repeat = await client.send(conversation, 'gone [[slow 700]]', 'k');

    expect(repeat.body['model_message']).toMatchObject({ seq: 2, answers_seq: 1, content: 'echo: gone [[slow 700]]' });
    expect(stack.provider.requests('gone [[slow 700]]')).toHaveLength(1);
  });

  it("is 429 with the provider's Retry-After when its quota is used up, and the message is kept", async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation();

    const refused = await client.send(conversation, 'too much [[quota 7]]');

    expect([refused.status, refused.body['code'], refused.headers.get('retry-after')]).toEqual([
      429,
      'ai_quota_exceeded',
      '7',
    ]);
    expect(refused.body['user_message']).toMatchObject({ seq: 1 });
    expect(await client.messages(conversation)).toHaveLength(1);
  });

  it("that fails is in the worker's log under the id of the request that asked, without what was said", async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation();

    await client.send(conversation, 'secret words [[fail 400]]', undefined, {
      headers: { 'x-request-id': 'asked-by-me' },
    });

    // The answer comes through the stores, the line through a pipe: either may be here first.
    const logged = (): string => stack.workers.map(({ output }) => output).join('');
    await eventually(() => /"requestId":"asked-by-me".*the assistant failed/.test(logged()));
    expect(logged() + stack.apis.map(({ output }) => output).join('')).not.toContain('secret words');
  });

  it('is shown what was said before, the question last', async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation();
    await client.send(conversation, 'my name is Ada');

    await client.send(conversation, 'what is my name?');

    const [request] = stack.provider.requests('what is my name?');
    expect(request?.body).toMatchObject({
      messages: [{ content: 'my name is Ada' }, { content: 'echo: my name is Ada' }, { content: 'what is my name?' }],
    });
  });

  it('is not made where the assistant is off, and made without waiting where it is mentioned', async () => {
    const client = await stack.client().register();
    const [off, mention] = [
      await client.conversation({ assistant: 'off' }),
      await client.conversation({ assistant: 'mention' }),
    ];

    expect((await client.send(off, '@assistant?')).body).toMatchObject({ model_message: null, reply: null });
    expect((await client.send(mention, 'nobody')).body).toMatchObject({ model_message: null, reply: null });
    expect((await client.send(mention, 'hello @assistant [[slow 500]]')).body).toMatchObject({
      model_message: null,
      reply: { status: 'queued' },
    });
  });

  it('to /ai/complete comes from the worker, and its failures have the codes of a send', async () => {
    const client = await stack.client().register();

    expect((await client.post('/ai/complete', { prompt: 'hi' })).body).toMatchObject({ text: 'echo: hi' });
    expect((await client.post('/ai/complete', { prompt: 'x [[fail 400]]' })).body['code']).toBe('ai_failed');
    expect((await stack.client().post('/ai/complete', { prompt: 'hi' })).status).toBe(401);
    const quota = await client.post('/ai/complete', { prompt: 'x [[quota 9]]' });
    expect([quota.status, quota.headers.get('retry-after')]).toEqual([429, '9']);
  });

  it('to /ai/complete is made for at most four prompts of an account at once, and never more, so that others get theirs', async () => {
    const client = await stack.client().register();
    const other = await stack.client().register();
    const hanging = Array.from({ length: 40 }, () =>
      client.post('/ai/complete', { prompt: 'greedy [[hang]]' }, { timeoutMs: 5_000 }).catch(() => null),
    );
    await eventually(() => stack.provider.requests('greedy [[hang]]').length === 4);

    expect((await other.post('/ai/complete', { prompt: 'modest' })).body).toMatchObject({ text: 'echo: modest' });
    expect(stack.provider.requests('greedy [[hang]]')).toHaveLength(4);
    await Promise.all(hanging);
  });
});
