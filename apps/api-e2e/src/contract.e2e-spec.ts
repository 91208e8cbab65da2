import { randomUUID } from 'node:crypto';
import { startStack, type Answer, type Client, type Json, type Stack } from '@edgechat/testing';
import { expectProblem, expectWrongFields, INSTANT } from './problems.js';

/** The rows of the first contract, one describe each. What holds for all calls is in contract-edge, the limits are in contract-limits. */
let stack: Stack;
let me: Client;
let stranger: Client;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 1 });
  [me, stranger] = await Promise.all([stack.client(0).register(), stack.client(1).register()]);
});
afterAll(() => stack.close());

const PASSWORD = 'correct horse battery';
const TOKENS = {
  access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  refresh_token: expect.any(String),
  token_type: 'bearer',
};
const anEmail = (): string => `${randomUUID()}@example.com`;
const anonymous = (api = 0): Client => stack.client(api);
const pathOf = (id: string): string => `/chat/conversations/${id}`;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const idsOf = ({ body }: Answer): unknown[] => (body['conversations'] as Json[]).map(({ id }) => id);
const contentsOf = ({ body }: Answer): unknown[] => (body['messages'] as Json[]).map(({ content }) => content);

describe('POST /auth/register', () => {
  it('makes an account, and its tokens work on every API right after the 201', async () => {
    for (const api of [0, 1, 0, 1]) {
      const answer = await anonymous(api).post('/auth/register', { email: anEmail(), password: PASSWORD });
      expect([answer.status, answer.body]).toEqual([201, TOKENS]);
      const elsewhere = anonymous(1 - api);
      elsewhere.token = String(answer.body['access_token']);
      expect((await elsewhere.get('/auth/me')).status).toBe(200);
    }
  });

  it('refuses an address that is taken, in any case', async () => {
    const answer = await anonymous(1).post('/auth/register', { email: me.email.toUpperCase(), password: PASSWORD });
    expectProblem(answer, 400, 'email_taken');
    expect(answer.body['detail']).toBe('Email already registered');
  });

  it('makes one account of two registers at once', async () => {
    const email = anEmail();
    const answers = await Promise.all(
      [0, 1, 0, 1].map((api) => anonymous(api).post('/auth/register', { email, password: PASSWORD })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400]);
  });

  it('takes passwords of 8 to 1,024 characters, all of which count', async () => {
    const [short, long] = ['😀😁😂🤣😃😄😅😆', `${'😀😁'.repeat(511)}😂🤣`];
    const [one, other] = [await anonymous().register(anEmail(), short), await anonymous().register(anEmail(), long)];
    expect((await anonymous().post('/auth/login', { email: one.email, password: short })).status).toBe(200);
    expect((await anonymous().post('/auth/login', { email: other.email, password: long })).status).toBe(200);
    expect(
      (await anonymous().post('/auth/login', { email: other.email, password: `${'😀😁'.repeat(511)}😂😃` })).status,
    ).toBe(401);
  });

  it.each([
    ['empty', ''],
    ['of 7 characters', '1234567'],
    ['of 7 astral characters', '😀'.repeat(7)],
    ['of 1,025 characters', 'x'.repeat(1_025)],
  ])('refuses a password that is %s', async (_, password) => {
    expectWrongFields(await anonymous().post('/auth/register', { email: anEmail(), password }), ['/password']);
  });
});

describe('POST /auth/login', () => {
  it('gives tokens', async () => {
    const answer = await anonymous(1).post('/auth/login', { email: me.email, password: PASSWORD });
    expect([answer.status, answer.body]).toEqual([200, TOKENS]);
  });

  it('says the same words of a wrong password and of an unknown address', async () => {
    const answers = await Promise.all(
      [me.email, anEmail()].map((email) => anonymous().post('/auth/login', { email, password: 'wrong password' })),
    );
    for (const answer of answers) {
      expectProblem(answer, 401, 'bad_credentials');
      expect(answer.body['detail']).toBe('Invalid email or password');
    }
  });

  it.each(['nobody', 'a@b', '@example.com', 'a b@example.com', 'a@example.com ', ''])(
    'is 422 for %j, which is no address',
    async (email) => {
      expectWrongFields(await anonymous().post('/auth/login', { email, password: PASSWORD }), ['/email']);
    },
  );
});

describe('POST /auth/refresh', () => {
  it('gives new tokens', async () => {
    const client = await anonymous().register();
    const answer = await anonymous(1).post('/auth/refresh', { refresh_token: client.refreshToken });
    expect([answer.status, answer.body]).toEqual([200, TOKENS]);
    expect(answer.body['refresh_token']).not.toBe(client.refreshToken);
  });

  it.each(['', 'unknown', 'x'.repeat(4_096)])('is 401 for a token that is none', async (refresh_token) => {
    const answer = await anonymous().post('/auth/refresh', { refresh_token });
    expectProblem(answer, 401, 'bad_refresh_token');
    expect(answer.body['detail']).toBe('Invalid or expired refresh token');
  });

  it('is 422 for more than 4,096 characters', async () => {
    expectWrongFields(await anonymous().post('/auth/refresh', { refresh_token: 'x'.repeat(4_097) }), [
      '/refresh_token',
    ]);
  });
});

describe('GET /auth/me', () => {
  it('is the account, its id a number and `sub` the same as text', async () => {
    const { status, body } = await me.get('/auth/me');
    expect(status).toBe(200);
    expect(Number.isInteger(body['id'])).toBe(true);
    expect(body).toEqual({
      id: body['id'],
      sub: String(body['id']),
      email: me.email,
      display_name: `User ${body['id']}`,
      created_at: expect.stringMatching(INSTANT),
    });
  });
});

describe('POST /ai/complete', () => {
  it('is the answer of the AI, for 1 to 32,000 characters', async () => {
    const prompt = '😀'.repeat(32_000);
    expect(await me.post('/ai/complete', { prompt: 'x' })).toMatchObject({ status: 200, body: { text: 'echo: x' } });
    expect((await me.post('/ai/complete', { prompt })).status).toBe(200);
    expectWrongFields(await me.post('/ai/complete', { prompt: `${prompt}x` }), ['/prompt']);
    expectWrongFields(await me.post('/ai/complete', { prompt: '' }), ['/prompt']);
  });

  it('is not for everybody', async () => {
    expectProblem(await anonymous().post('/ai/complete', { prompt: 'hello' }), 401, 'unauthorized');
  });

  it('is 503 when the AI failed, and 429 with its Retry-After when its quota is used up', async () => {
    expectProblem(await me.post('/ai/complete', { prompt: 'no [[fail 400]]' }), 503, 'ai_failed');
    const quota = await me.post('/ai/complete', { prompt: 'no [[quota 17]]' });
    expectProblem(quota, 429, 'ai_quota_exceeded');
    expect(quota.headers.get('retry-after')).toBe('17');
  });
});

describe('POST /chat/conversations', () => {
  it.each([undefined, {}, { title: 'A title' }, { kind: 'assistant', unknown: [1] }])(
    'makes one of %j',
    async (body) => {
      const answer = await me.post('/chat/conversations', body);
      expect([answer.status, answer.body['id']]).toEqual([201, expect.stringMatching(/^[\x21-\x7e]{1,64}$/)]);
      expect((await me.at(stack.url(1)).get(`${pathOf(answer.body['id'])}/messages`)).body).toEqual({
        messages: [],
        has_more: false,
      });
    },
  );
});

describe('GET /chat/conversations', () => {
  it('shows the most recently active first, each with its zone and count', async () => {
    const client = await anonymous().register();
    const [first, second] = [await client.conversation(), await client.conversation()];
    await client.send(first, 'hello');

    const { status, body } = await client.at(stack.url(1)).get('/chat/conversations');

    expect(status).toBe(200);
    expect(body['has_more']).toBe(false);
    expect(body['conversations']).toMatchObject([
      { id: first, message_count: 2, updated_at: expect.stringMatching(INSTANT) },
      { id: second, message_count: 0, updated_at: expect.stringMatching(INSTANT) },
    ]);
  });

  it('pages by limit and skip, clamped, with an exact has_more', async () => {
    const client = await anonymous().register();
    await Promise.all(upTo(101).map(() => client.conversation()));
    const page = async (query: string): Promise<unknown[]> => {
      const answer = await client.get(`/chat/conversations${query}`);
      return [answer.status, idsOf(answer).length, answer.body['has_more']];
    };
    expect(await page('')).toEqual([200, 20, true]);
    expect(await page('?limit=100')).toEqual([200, 100, true]);
    expect(await page('?limit=99999999999999999999999')).toEqual([200, 100, true]);
    expect(await page('?limit=100&skip=1')).toEqual([200, 100, false]);
    expect(await page('?limit=100&skip=2')).toEqual([200, 99, false]);
    expect(await page('?limit=-5&skip=-5')).toEqual([200, 1, true]);
    expect(await page(`?limit=0&skip=-${'9'.repeat(300)}`)).toEqual([200, 1, true]);
    expect(await page('?limit=1&skip=100')).toEqual([200, 1, false]);
    expect(await page('?limit=1&skip=99')).toEqual([200, 1, true]);
    expect(await page('?skip=101')).toEqual([200, 0, false]);
    expect(await page('?skip=9223372036854775808')).toEqual([200, 0, false]);
    expect(await page('?skip=99999999999999999999999')).toEqual([200, 0, false]);
    const [whole, tail] = [
      await client.get('/chat/conversations?limit=100'),
      await client.get('/chat/conversations?limit=100&skip=40'),
    ];
    expect(idsOf(tail).slice(0, 60)).toEqual(idsOf(whole).slice(40));
  });

  it("does not show what is somebody else's", async () => {
    const id = await me.conversation();
    expect(idsOf(await stranger.get('/chat/conversations?limit=100'))).not.toContain(id);
  });
});

describe.each(['/chat/conversations', '/chat/conversations/ID/messages'])('GET %s', (path) => {
  it.each(['', 'abc', '1.5', '1e2', '%2B5', '0x10', '%201', '--1', 'NaN', '%D9%A1', '1%00', '1,2'])(
    'is 422 when limit or skip is %j, which is no whole number',
    async (value) => {
      const url = path.replace('ID', await me.conversation());
      expectWrongFields(await me.get(`${url}?limit=${value}`), ['/limit']);
      expectWrongFields(await me.get(`${url}?skip=${value}`), ['/skip']);
    },
  );
});

describe('POST /chat/conversations/{id}/messages', () => {
  it("answers with the message and the AI's answer", async () => {
    const { status, body } = await me.send(await me.conversation(), 'hello');
    expect([status, body]).toMatchObject([
      200,
      { user_message: { role: 'user', content: 'hello' }, model_message: { role: 'model', content: 'echo: hello' } },
    ]);
  });

  it.each([
    ['no [[fail 400]]', 503, 'ai_failed', /^[0-9]+$/],
    ['no [[quota 23]]', 429, 'ai_quota_exceeded', /^23$/],
  ])('keeps the message when the AI fails: %s', async (content, status, code, retryAfter) => {
    const conversation = await me.conversation();
    const answer = await me.send(conversation, content);
    expectProblem(answer, status, code);
    expect(answer.headers.get('retry-after')).toMatch(retryAfter);
    expect(answer.body['user_message']).toMatchObject({ role: 'user', content, seq: 1 });
    expect(contentsOf(await me.get(`${pathOf(conversation)}/messages`))).toEqual([content]);
  });

  it.each([
    ['blanks', '  a \t b  '],
    ['line ends', 'a\r\nb\rc\nd\u0085e\u2028f\u2029'],
    ['control characters', '\u0001\u0008\u000b\u000c\u001b[31m\u007f\u009f'],
    ['emoji', '👩‍👩‍👧‍👦🏳️‍🌈🇮🇹'],
    ['combining marks, composed or not', 'e\u0301 \u00e9 \u1e9b\u0323 \ufb01 a\u0300\u0316\u0301'],
    ['right-to-left text', 'שלום \u202eمرحبا\u202c \u200f'],
    ['noncharacters and a BOM', '\ufeff\ufffe\uffff\u{10ffff}\ufffd'],
    ['what looks like code', '{"$gt":""} \'; drop table x; -- \\u0000 %00 <b>'],
    ['one character', ' '],
    ['32,000 astral characters', '𝒜'.repeat(32_000)],
  ])('keeps a text to the code point: %s', async (_, content) => {
    const conversation = await me.conversation({ assistant: 'off' });
    const sent = await me.send(conversation, content);
    expect([sent.status, sent.body['user_message']?.content === content]).toEqual([200, true]);
    const [kept] = contentsOf(await me.at(stack.url(1)).get(`${pathOf(conversation)}/messages`));
    expect(kept === content).toBe(true);
  });

  it.each(['', 'x'.repeat(32_001), '𝒜'.repeat(32_001), 'a\0b', '\ud800', '\udc00\ud800'])(
    'refuses a text that is empty, too long or no text',
    async (content) => {
      const conversation = await me.conversation();
      expectWrongFields(await me.send(conversation, content), ['/content']);
      expect(await me.messages(conversation)).toEqual([]);
    },
  );
});

describe('GET /chat/conversations/{id}/messages', () => {
  it('pages by limit and skip from the oldest on, clamped, with an exact has_more', async () => {
    const conversation = await me.conversation({ assistant: 'off' });
    for (const n of upTo(4)) await me.send(conversation, `${n}`);
    await Promise.all(upTo(97).map(() => me.send(conversation, 'more')));
    const page = async (query: string): Promise<Answer> => me.get(`${pathOf(conversation)}/messages${query}`);
    const shape = async (query: string): Promise<unknown[]> => {
      const answer = await page(query);
      return [contentsOf(answer).length, answer.body['has_more']];
    };
    expect((await page('?limit=2')).body).toMatchObject({
      messages: [
        { role: 'user', content: '1' },
        { role: 'user', content: '2' },
      ],
      has_more: true,
    });
    expect(contentsOf(await page('?limit=2&skip=2'))).toEqual(['3', '4']);
    expect(await shape('')).toEqual([50, true]);
    expect(await shape('?limit=100')).toEqual([100, true]);
    expect(await shape('?limit=99999999999999999999999&skip=-5')).toEqual([100, true]);
    expect(await shape('?limit=100&skip=1')).toEqual([100, false]);
    expect(await shape('?limit=-5')).toEqual([1, true]);
    expect(await shape('?limit=1&skip=100')).toEqual([1, false]);
    expect(await shape('?skip=101')).toEqual([0, false]);
    expect(await shape('?skip=9223372036854775808')).toEqual([0, false]);
  });
});

const HIDDEN = ["somebody else's", 'unknown', 'malformed', 'a number', 'upper case', 'NUL', 'very long'] as const;
describe.each(HIDDEN)('a conversation whose id is %s', (which) => {
  it.each([
    ['POST', '/messages', { content: 'hello' }],
    ['GET', '/messages', undefined],
    ['GET', '/messages?skip=5', undefined],
    ['GET', '/messages?after_seq=5', undefined],
    ['DELETE', '', undefined],
    ['GET', '', undefined],
    ['PATCH', '', { title: 'mine' }],
    ['PUT', '/read', { seq: 1 }],
    ['GET', '/messages/1', undefined],
    ['GET', '/members', undefined],
    ['POST', '/members', { account_ids: [1] }],
    ['PATCH', '/members/1', { role: 'admin' }],
    ['DELETE', '/members/me', undefined],
    ['DELETE', '/members/1', undefined],
  ])('is 404 to %s %s', async (method, rest, body) => {
    const theirs = await stranger.conversation({ assistant: 'off' });
    const ids = {
      "somebody else's": theirs,
      unknown: randomUUID(),
      malformed: 'x',
      'a number': '1',
      'upper case': theirs.toUpperCase(),
      NUL: 'a%00b',
      'very long': 'x'.repeat(2_000),
    };
    const answer = await me.call(method, `${pathOf(ids[which])}${rest}`, { body });
    expectProblem(answer, 404, 'conversation_not_found');
    expect(answer.body['detail']).toBe('Conversation not found');
    expect(await stranger.messages(theirs)).toEqual([]);
  });
});

describe('DELETE /chat/conversations/{id}', () => {
  it('takes the conversation and its messages away, at once and on every API', async () => {
    const [gone, kept] = [await me.conversation(), await me.conversation()];
    await me.send(gone, 'hello');
    const answer = await me.call('DELETE', pathOf(gone));
    expect([answer.status, answer.body]).toEqual([204, { text: '' }]);

    for (const client of [me, me.at(stack.url(1))]) {
      const calls = await Promise.all([
        client.get(`${pathOf(gone)}/messages`),
        client.get(`${pathOf(gone)}/messages?skip=1`),
        client.send(gone, 'again'),
        client.call('DELETE', pathOf(gone)),
      ]);
      for (const call of calls) expectProblem(call, 404, 'conversation_not_found');
      const listed = idsOf(await client.get('/chat/conversations?limit=100'));
      expect([listed.includes(gone), listed.includes(kept)]).toEqual([false, true]);
    }
  });
});
