import { eventually, startStack, type Behaviour, type ProviderRequest, type Stack } from '@edgechat/testing';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
const rolesIn = ({ body }: ProviderRequest): unknown[] => {
  const messages = member(body, 'messages');
  return Array.isArray(messages) ? messages.map((message) => member(message, 'role')) : [];
};
const textIn = ({ turns }: ProviderRequest): string => turns.flatMap(({ texts }) => texts).join(' ');
const calls = (words: string): readonly ProviderRequest[] =>
  stack.provider.requests().filter((request) => textIn(request).includes(words));
/** What the provider does to requests with these words in them. */
const judge = (words: string, decide: (request: ProviderRequest) => Behaviour | null) =>
  stack.provider.judge((request) => (textIn(request).includes(words) ? decide(request) : null));
const refusal = (body: object): Behaviour => ({ kind: 'raw', status: 400, body });

/** As the templates of many local models do. */
function demandAlternation(request: ProviderRequest): Behaviour | null {
  const roles = rolesIn(request);
  if (roles.includes('system')) return refusal({ object: 'error', message: 'System role not supported', code: 400 });
  if (roles.every((role, i) => (role === 'user') === (i % 2 === 0))) return null;
  return refusal({
    object: 'error',
    message: 'Conversation roles must alternate user/assistant/user/assistant/...',
    code: 400,
  });
}

describe('a provider that demands alternating roles, and takes no instruction', () => {
  it('answers four sends after one that failed, each with one call', async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation();
    judge('alone:', (request) =>
      request.question === 'alone: 0' ? { kind: 'fail', status: 429, retryAfter: '9' } : demandAlternation(request),
    );

    const sent = [];
    for (const n of [0, 1, 2, 3, 4]) sent.push(await client.send(conversation, `alone: ${n}`));

    expect(sent.map(({ status }) => status)).toEqual([429, 200, 200, 200, 200]);
    expect(sent.slice(1).map(({ body }) => String(body['model_message'].content))).toEqual(
      [1, 2, 3, 4].map((n) => `echo: alone: ${n}`),
    );
    expect(calls('alone:')).toHaveLength(5);
  });

  it('answers in a group where others wrote before, and learns once how', async () => {
    const [ada, bob] = [await stack.client().register(), await stack.client().register()];
    const bobsId = Number((await bob.get('/auth/me')).body['id']);
    const group = await ada.conversation({ kind: 'group', member_ids: [bobsId] });
    judge('together:', demandAlternation);
    const answersIn = async (): Promise<number> =>
      (await ada.messages(group)).filter(({ role }) => role === 'model').length;

    await bob.send(group, 'together: hello');
    await ada.send(group, 'together: hi');
    await ada.send(group, 'together: @assistant one');
    await eventually(async () => (await answersIn()) === 1);
    await bob.send(group, 'together: @assistant two');
    await eventually(async () => (await answersIn()) === 2);

    expect(calls('together:').map((request) => rolesIn(request)[0])).toEqual(['system', 'user', 'user']);
  });
});

describe('a provider with a smaller window than is set', () => {
  it('answers "hi" after three long messages, and the operator is told what to set, once', async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation();
    const message = "This model's maximum context length is 4096 tokens, however you requested 9000 tokens.";
    const error = { message, type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' };
    judge('narrow:', (request) => (textIn(request).length > 12_000 ? refusal({ error }) : null));

    const sent = [];
    for (const words of ['one', 'two', 'three'].map((name) => `${name} ${'word '.repeat(2_000)}`))
      sent.push(await client.send(conversation, `narrow: ${words}`));
    sent.push(await client.send(conversation, 'narrow: hi'));

    expect(sent.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const logged = stack.workers.map(({ output }) => output).join('');
    expect(logged.split('set AI_CONTEXT_MAX_TOKENS')).toHaveLength(2);
    expect(logged).not.toContain('word word');
  });
});

describe('a message that is longer than the window', () => {
  it('is shown with its beginning and its end, and the next question with its end and its answer', async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation();
    judge('请翻译', (request) =>
      request.question.endsWith('谢谢你!') ? { kind: 'answer', text: 'a short answer' } : null,
    );

    await client.send(conversation, `请翻译成英文。${'我'.repeat(31_980)}谢谢你!`);
    const next = await client.send(conversation, 'and in French?');

    const [first] = calls('请翻译');
    expect(first?.turns[0]?.texts[0]).toMatch(
      /^请翻译成英文。我+\n\[… about \d+ characters .* left out here …\]\n我+谢谢你!$/,
    );
    expect(next.status).toBe(200);
    const [second] = calls('and in French?');
    expect(second?.turns.map(({ texts }) => texts[0])).toEqual([
      expect.stringMatching(/^\[… about \d+ characters .* left out here …\]\n我+谢谢你!$/),
      'a short answer',
      'and in French?',
    ]);
  });
});
