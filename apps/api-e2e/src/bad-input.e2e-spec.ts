import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { startStack, type Answer, type Json, type Stack } from '@edgechat/testing';
import { INPUTS, PASSWORD, WRONG_FIELDS, type Input, type Scene } from './inputs.js';
import { expectProblem, expectWrongFields } from './problems.js';
import { exchange, rawRequest } from './raw-http.js';
import { refused as refusedIn, setScene, whatIsKept } from './scene.js';

/** Whatever a client sends is answered with 4xx and a sentence that says what to do, and changes nothing. */
let stack: Stack;
let scene: Scene;
beforeAll(async () => {
  stack = await startStack({ apis: 1, workers: 1 });
  scene = await setScene(stack);
});
afterEach(() => expectNoBug());
afterAll(() => stack.close());

/** The log has no line about a request that failed by a bug. */
function expectNoBug(): void {
  expect(stack.apis[0]?.output).not.toContain('a request failed by a bug');
}

const refused = (call: () => Promise<Answer>): Promise<Answer> => refusedIn([scene], call);
const send = (
  { method, path }: Input,
  raw: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> => scene.client.call(method, path(scene), { raw, headers });
const rightBody = (input: Input): string => JSON.stringify(input.body(scene));
const utf8 = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));
const each = INPUTS.map((input) => [input.name, input] as const);

/** What a body may have, where it is not 32 KiB. */
const BODY_MAX_BYTES: Readonly<Record<string, number>> = {
  'POST /ai/complete': 524_288,
  'POST /chat/conversations/{id}/messages': 524_288,
  'POST /chat/conversations': 65_536,
  'POST /chat/conversations/{id}/members': 65_536,
};

describe('a field that can never be right', () => {
  it.each(WRONG_FIELDS)('is 422 and named: %s, %s %s', async (_name, field, _what, input, value) => {
    const answer = await refused(() => send(input, JSON.stringify({ ...input.body(scene), [field]: value })));
    expectWrongFields(answer, [`/${field}`]);
  });

  it.each(['Assistant', 'assistant ', 'groups', '', '__proto__', 'toString', '\0', '\ud800', 'x'.repeat(10_000)])(
    'is 422 when it is the kind %j',
    async (kind) => {
      const answer = await refused(() => scene.client.post('/chat/conversations', { kind }));
      expectWrongFields(answer, ['/kind']);
      expect(answer.body['errors']).toMatchObject([{ code: 'unknown_value' }]);
    },
  );

  it('says each wrong field at once', async () => {
    expectWrongFields(await refused(() => scene.client.post('/auth/password', { old_password: 5 })), [
      '/old_password',
      '/new_password',
    ]);
    expectWrongFields(
      await refused(() => scene.client.post('/chat/conversations', { title: '', assistant: 'never', kind: 5 })),
      ['/kind', '/title', '/assistant'],
    );
  });
});

describe.each(each)('the body of %s', (_, input) => {
  it.each<[string, string | Uint8Array, number, string]>([
    ['no JSON', '{"a":', 400, 'malformed_request'],
    ['two JSON texts', '{}{}', 400, 'malformed_request'],
    ['JSON with a comment', '{/**/}', 400, 'malformed_request'],
    ['JSON behind a BOM', utf8([0xef, 0xbb, 0xbf], '{}'), 400, 'malformed_request'],
    ['JSON with NUL bytes', '{}\0', 400, 'malformed_request'],
    ['broken UTF-8', utf8('{"a":"', [0xff, 0xfe], '"}'), 400, 'malformed_request'],
    ['a surrogate in UTF-8', utf8('{"a":"', [0xed, 0xa0, 0x80], '"}'), 400, 'malformed_request'],
    ['an overlong NUL in UTF-8', utf8('{"a":"', [0xc0, 0x80], '"}'), 400, 'malformed_request'],
    ['UTF-16', Buffer.from('{}', 'utf16le'), 400, 'malformed_request'],
    ['10,000 brackets', '['.repeat(10_000), 400, 'malformed_request'],
    ['deep objects', '{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000), 400, 'malformed_request'],
    ['over 512 KiB', `{"a":"${'x'.repeat(524_288)}"}`, 413, 'body_too_large'],
    ['2 MiB of blanks', ' '.repeat(2_097_152), 413, 'body_too_large'],
    ['null', 'null', 422, 'validation_failed'],
    ['a list', '[]', 422, 'validation_failed'],
    ['a text', '"x"', 422, 'validation_failed'],
    ['a number', '1e999', 422, 'validation_failed'],
  ])('is refused when it is %s', async (_what, raw, status, code) => {
    expectProblem(await refused(() => send(input, raw)), status, code);
  });

  it('is read up to the limit of the call, and not beyond', async () => {
    const maxBytes = BODY_MAX_BYTES[input.name] ?? 32_768;
    expectProblem(await refused(() => send(input, '{'.padStart(maxBytes))), 400, 'malformed_request');
    const answer = await refused(() => send(input, '{'.padStart(maxBytes + 1)));
    expectProblem(answer, 413, 'body_too_large');
    expect(answer.body['detail']).toContain(`${maxBytes / 1_024} KiB`);
  });

  it.each<[string, Record<string, string>]>([
    ['text/plain', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a multipart form', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['XML', { 'content-type': 'application/xml' }],
    ['a merge patch', { 'content-type': 'application/merge-patch+json' }],
    ['Latin-1', { 'content-type': 'application/json; charset=iso-8859-1' }],
    ['UTF-16', { 'content-type': 'application/json; charset=utf-16' }],
    ['of no type', { 'content-type': '' }],
    ['compressed', { 'content-encoding': 'gzip' }],
    ['claimed to be not compressed', { 'content-encoding': 'identity' }],
  ])('is 415 when it is %s', async (_what, headers) => {
    expectProblem(await refused(() => send(input, rightBody(input), headers)), 415, 'unsupported_media_type');
    expectProblem(await refused(() => send(input, gzipSync(rightBody(input)), headers)), 415, 'unsupported_media_type');
  });

  it.each(['Authorization: Bearer TOKEN', 'Content-Type: application/json', 'Idempotency-Key: a', 'Host: api.example'])(
    'is not read when this header is there twice: %s',
    async (line) => {
      const { client } = scene;
      const twice = line.replace('TOKEN', String(client.token));
      const once = [`Authorization: Bearer ${client.token}`, 'Content-Type: application/json', 'Idempotency-Key: a'];
      const request = rawRequest(`${input.method} /api/v1${input.path(scene)}`, [...once, twice], rightBody(input));
      expectProblem(await refused(() => exchange(stack.url(0), request)), 400, 'malformed_request');
    },
  );

  it.each(['Content-Length: 3', 'Transfer-Encoding: chunked'])(
    'is 400 when its length is said twice: %s',
    async (line) => {
      const request = rawRequest(
        `${input.method} /api/v1${input.path(scene)}`,
        [`Authorization: Bearer ${scene.client.token}`, 'Content-Type: application/json', line],
        rightBody(input),
      );
      expectProblem(await refused(() => exchange(stack.url(0), request)), 400, 'malformed_request');
    },
  );
});

describe('fields that nobody asked for', () => {
  const POISON =
    '"__proto__":{"isAdmin":true,"content":"x"},"constructor":{"prototype":{"isAdmin":true}},"toString":1,"hasOwnProperty":null,"then":{},"toJSON":1,"id":1,"account_id":1,"role":"model","seq":7';

  it('are ignored, and poison nothing', async () => {
    const { client } = scene;
    const path = `/chat/conversations/${await client.conversation({ assistant: 'off' })}/messages`;
    const answer = await client.call('POST', path, { raw: `{"content":"hello",${POISON}}` });
    expect([answer.status, answer.body['user_message']]).toMatchObject([
      200,
      { seq: 1, role: 'user', content: 'hello' },
    ]);
    const created = await client.call('POST', '/chat/conversations', { raw: `{${POISON}}` });
    expect([created.status, created.body['my_role'], created.body['title']]).toEqual([201, 'owner', null]);
    expectWrongFields(await client.call('POST', path, { raw: `{${POISON}}` }), ['/content']);
  });
});

describe('a query that can never be right', () => {
  const LIST = '/chat/conversations';
  const MESSAGES = '/chat/conversations/ID/messages';
  it.each([
    [LIST, 'limit=x', '/limit'],
    [LIST, 'limit=', '/limit'],
    [LIST, 'limit=1&limit=1', '/limit'],
    [LIST, 'skip=1&skip=2', '/skip'],
    [LIST, 'skip=1.0', '/skip'],
    [LIST, 'skip=%00', '/skip'],
    [LIST, 'cursor=', '/cursor'],
    [LIST, 'cursor=x', '/cursor'],
    [LIST, 'cursor=a&cursor=b', '/cursor'],
    [LIST, `cursor=${'x'.repeat(5_000)}`, '/cursor'],
    [LIST, 'cursor=%00', '/cursor'],
    [LIST, 'cursor=FOREIGN', '/cursor'],
    [LIST, 'cursor=OWN&skip=1', '/cursor'],
    [LIST, 'cursor=OWNx', '/cursor'],
    [MESSAGES, 'limit=x', '/limit'],
    [MESSAGES, 'limit=1&limit=1', '/limit'],
    [MESSAGES, 'skip=x', '/skip'],
    [MESSAGES, 'before_seq=-1', '/before_seq'],
    [MESSAGES, 'after_seq=-1', '/after_seq'],
    [MESSAGES, 'after_seq=x', '/after_seq'],
    [MESSAGES, 'before_seq=', '/before_seq'],
    [MESSAGES, 'before_seq=1&before_seq=1', '/before_seq'],
    [MESSAGES, 'skip=0&before_seq=5', '/skip'],
    [MESSAGES, 'skip=0&after_seq=0', '/skip'],
    [MESSAGES, 'before_seq=5&after_seq=1', '/skip'],
    [MESSAGES, 'skip=1&before_seq=5&after_seq=1', '/skip'],
  ])('is 422: %s?%s', async (path, query, field) => {
    const stranger = await strangersCursor();
    const own =
      (await scene.client.get('/chat/conversations?limit=1')).body['next_cursor'] ?? (await twoConversations());
    const url = `${path.replace('ID', scene.conversation)}?${query.replace('FOREIGN', stranger).replace('OWN', String(own))}`;
    expectWrongFields(await refused(() => scene.client.get(url)), [field]);
  });

  it.each([
    `limit=${'9'.repeat(5_000)}`,
    `skip=-${'9'.repeat(5_000)}`,
    'limit=-0',
    'skip=18446744073709551616',
    'unknown=1&unknown=2',
    '__proto__=1&constructor=2',
    'limit[]=x',
    '&&&=',
    '%00=1',
  ])('is none when it is %s', async (query) => {
    expect((await scene.client.get(`${LIST}?${query}`)).status).toBe(200);
    expect((await scene.client.get(`${MESSAGES.replace('ID', scene.conversation)}?${query}`)).status).toBe(200);
  });

  const cursors = { stranger: '' };
  async function strangersCursor(): Promise<string> {
    cursors.stranger ||= await (async () => {
      const stranger = await stack.client().register();
      await Promise.all([stranger.conversation(), stranger.conversation()]);
      return String((await stranger.get('/chat/conversations?limit=1')).body['next_cursor']);
    })();
    return cursors.stranger;
  }
  async function twoConversations(): Promise<string> {
    await Promise.all([scene.client.conversation(), scene.client.conversation()]);
    return String((await scene.client.get('/chat/conversations?limit=1')).body['next_cursor']);
  }
});

describe('a path that leads nowhere', () => {
  it.each(['/chat/conversations/%', '/chat/conversations/%zz/messages', '/chat/conversations/%c0%80/messages', '/%ff'])(
    'is 400 when it is no URL: %s',
    async (path) => {
      expectProblem(await refused(() => scene.client.get(path)), 400, 'malformed_request');
    },
  );

  it.each([
    '/chat/conversations/%00/messages',
    '/chat/conversations/..%2f..%2f/messages',
    '/chat/conversations/%ED%95%9C/messages',
    `/chat/conversations/${randomUUID()}/messages`,
    '/chat/conversations/null/messages',
    '/chat/conversations/[object%20Object]/messages',
  ])('is 404 when it is an unknown id: %s', async (path) => {
    expectProblem(await refused(() => scene.client.get(path)), 404, 'conversation_not_found');
    expectProblem(await refused(() => scene.client.post(path, { content: 'x' })), 404, 'conversation_not_found');
  });
});

describe('a client key that can never be right', () => {
  it.each(['', 'x'.repeat(256), 'ü', 'a\tb'])('is 422: %j', async (key) => {
    const { client, conversation } = scene;
    const headers = [
      `Authorization: Bearer ${client.token}`,
      'Content-Type: application/json',
      `Idempotency-Key: ${key}`,
    ];
    for (const [path, body] of [
      [`/chat/conversations/${conversation}/messages`, '{"content":"x"}'],
      ['/chat/conversations', '{}'],
    ]) {
      expectWrongFields(await refused(() => exchange(stack.url(0), rawRequest(`POST /api/v1${path}`, headers, body))), [
        '/Idempotency-Key',
      ]);
    }
  });
});

describe('after all this', () => {
  it('the account logs in with its password as before, and an address that was refused is free', async () => {
    expect((await stack.client().post('/auth/login', { email: scene.client.email, password: PASSWORD })).status).toBe(
      200,
    );
    const email = `${randomUUID()}@example.com`;
    expect((await stack.client().post('/auth/register', { email, password: 'short' })).status).toBe(422);
    expect((await stack.client().post('/auth/register', { email, password: PASSWORD })).status).toBe(201);
    const kept = (await whatIsKept(scene)).slice(-2) as Json[];
    for (const messages of kept) expect(messages).toMatchObject({ messages: [{ content: 'kept' }], has_more: false });
  });
});
