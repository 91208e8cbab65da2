import { startStack, type Call, type Client, type Stack } from '@edgechat/testing';
import { expectProblem } from './problems.js';
import { exchange, rawRequest } from './raw-http.js';
import { claimsOf, signToken } from './tokens.js';

/** What the first contract says of all calls: tokens, ids, errors, CORS; and the rows that are about no conversation. */
const SECRET = 'a secret of thirty-two bytes or so';
let stack: Stack;
let me: Client;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 1, env: { JWT_SECRET: SECRET } });
  me = await stack.client(0).register();
});
afterAll(() => stack.close());

const nowS = (): number => Math.floor(Date.now() / 1_000);
const mine = (): Record<string, unknown> => claimsOf(me.token);
const withToken = (token: string, api = 0): Client => Object.assign(stack.client(api), { token });

/** The same bytes in another spelling: the last character of a signature carries four bits and two more, which nobody reads. */
function inAnotherSpelling(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return `${token.slice(0, -1)}${alphabet[alphabet.indexOf(token.slice(-1)) + 1]}`;
}

describe('an access token', () => {
  it('is a JWT with sub, sid, type and exp, HS256, good for 15 minutes on every API', async () => {
    const claims = mine();
    const { id } = (await me.at(stack.url(1)).get('/auth/me')).body;
    expect(JSON.parse(Buffer.from(String(me.token).split('.')[0] ?? '', 'base64url').toString())).toMatchObject({
      alg: 'HS256',
    });
    expect(claims).toMatchObject({ sub: String(id), type: 'access', sid: expect.any(String) });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(900);
    expect((await withToken(signToken(claims, SECRET), 1).get('/auth/me')).status).toBe(200);
  });

  it('names its type, who made it and for whom (RFC 9068); one of the release before names neither, and is good until it expires', async () => {
    const { iss, aud, gen, reg, ...before } = mine();
    expect([iss, aud, gen]).toEqual(['edgechat', 'edgechat-api', 1]);
    expect(Number(reg)).toBeGreaterThan(nowS() - 600);
    expect(String(me.token).split('.')[0]).toBe(Buffer.from('{"alg":"HS256","typ":"at+jwt"}').toString('base64url'));
    for (const api of [0, 1])
      expect((await withToken(signToken(before, SECRET, 'HS256', 'JWT'), api).get('/auth/me')).status).toBe(200);
  });

  it.each<[string, () => string]>([
    ['expired', () => signToken({ ...mine(), exp: nowS() - 1 }, SECRET)],
    ['without exp', () => signToken({ ...mine(), exp: undefined }, SECRET)],
    ['of type refresh', () => signToken({ ...mine(), type: 'refresh' }, SECRET)],
    ['without a type', () => signToken({ ...mine(), type: undefined }, SECRET)],
    ['without a session', () => signToken({ ...mine(), sid: undefined }, SECRET)],
    ['of a session that is no id', () => signToken({ ...mine(), sid: "' or 1=1" }, SECRET)],
    ['of nobody', () => signToken({ ...mine(), sub: undefined }, SECRET)],
    ['of account 0', () => signToken({ ...mine(), sub: '0' }, SECRET)],
    ['of account 1e3', () => signToken({ ...mine(), sub: '1e3' }, SECRET)],
    ['of an account beyond 2^53', () => signToken({ ...mine(), sub: '9007199254740993' }, SECRET)],
    ['not valid yet', () => signToken({ ...mine(), nbf: nowS() + 600 }, SECRET)],
    ['of another secret', () => signToken(mine(), 'another secret of thirty-two bytes')],
    ['of another algorithm', () => signToken(mine(), SECRET, 'HS512')],
    ['of no algorithm', () => signToken(mine(), SECRET, 'none')],
    ['without its signature', () => String(me.token).replace(/[^.]*$/, '')],
    [
      'with one character changed',
      () => String(me.token).replace(/\.(.)/, (_, first: string) => `.${first === 'e' ? 'f' : 'e'}`),
    ],
    ['a refresh token', () => String(me.refreshToken)],
    ['no JWT', () => 'x'],
    ['of another issuer', () => signToken({ ...mine(), iss: 'https://evil.example' }, SECRET)],
    ['for another audience', () => signToken({ ...mine(), aud: 'other' }, SECRET)],
    ['without an issuer', () => signToken({ ...mine(), iss: undefined }, SECRET)],
    ['of another type of JWT', () => signToken(mine(), SECRET, 'HS256', 'dpop+jwt')],
    ['longer than 1 KiB', () => signToken({ ...mine(), x: 'x'.repeat(800) }, SECRET)],
    ['spelled in another way', () => inAnotherSpelling(String(me.token))],
    ['padded', () => `${String(me.token)}=`],
  ])('is refused when it is %s', async (_, token) => {
    const client = withToken(token());
    for (const call of [
      client.get('/auth/me'),
      client.post('/ai/complete', { prompt: 'hello' }),
      client.post('/chat/conversations'),
      client.get('/usage/me'),
    ])
      expectProblem(await call, 401, 'unauthorized');
  });

  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('is read after %s', async (scheme) => {
    expect((await stack.client().get('/auth/me', { headers: { authorization: `${scheme} ${me.token}` } })).status).toBe(
      200,
    );
  });

  it.each<[string, (token: string) => Record<string, string>]>([
    ['nowhere', () => ({})],
    ['without a scheme', (token) => ({ authorization: token })],
    ['after Basic', (token) => ({ authorization: `Basic ${token}` })],
    ['after nothing but the scheme', () => ({ authorization: 'Bearer' })],
    ['as the second of two', (token) => ({ authorization: `Bearer x ${token}` })],
    ['behind a comma', (token) => ({ authorization: `Bearer x, Bearer ${token}` })],
    ['in a cookie', (token) => ({ cookie: `access_token=${token}; authorization=Bearer ${token}` })],
    [
      'in another header',
      (token) => ({
        'x-access-token': token,
        'x-authorization': `Bearer ${token}`,
        'proxy-authorization': `Bearer ${token}`,
      }),
    ],
  ])('is not believed %s', async (_, headers) => {
    expectProblem(await stack.client().get('/auth/me', { headers: headers(String(me.token)) }), 401, 'unauthorized');
  });

  it('is not believed in the query or a body, and given twice it is 400', async () => {
    const token = String(me.token);
    expectProblem(
      await stack.client().get(`/auth/me?access_token=${token}&token=${token}&authorization=Bearer%20${token}`),
      401,
      'unauthorized',
    );
    expectProblem(
      await stack.client().post('/ai/complete', { prompt: 'hello', access_token: token, token }),
      401,
      'unauthorized',
    );
    const twice = await exchange(
      stack.url(0),
      rawRequest('GET /api/v1/auth/me', [`Authorization: Bearer ${token}`, `authorization: Bearer ${token}`]),
    );
    expectProblem(twice, 400, 'malformed_request');
  });

  it.each([
    'GET /auth/me',
    'PATCH /auth/me',
    'GET /auth/sessions',
    'DELETE /auth/sessions',
    'DELETE /auth/sessions/x',
    'POST /auth/password',
    'POST /ai/complete',
    'POST /chat/conversations',
    'GET /chat/conversations',
    'DELETE /chat/conversations/x',
    'GET /chat/conversations/x/messages',
    'POST /chat/conversations/x/messages',
    'GET /usage/me',
    'GET /accounts',
    'GET /search',
    'GET /chat/conversations/x',
    'PATCH /chat/conversations/x',
    'PUT /chat/conversations/x/read',
    'GET /chat/conversations/x/members',
    'POST /chat/conversations/x/members',
    'PATCH /chat/conversations/x/members/me',
    'DELETE /chat/conversations/x/members/me',
    'GET /chat/conversations/x/messages/1',
  ])('is asked for by %s, before anything else is said', async (call) => {
    const [method = '', path = ''] = call.split(' ');
    expectProblem(await stack.client().call(method, path), 401, 'unauthorized');
  });
});

/** One call for each way in which an answer comes about. */
const WAYS: [string, string, string, Pick<Call, 'headers' | 'raw'>][] = [
  ['a success', 'GET', '/auth/me', {}],
  ['a creation', 'POST', '/chat/conversations', {}],
  ['an unknown route', 'GET', '/nowhere', {}],
  ['a wrong method', 'PUT', '/auth/me', {}],
  ['a missing token', 'GET', '/auth/me', { headers: { authorization: 'x' } }],
  ['a wrong body', 'POST', '/auth/login', { raw: '{}' }],
  ['a broken body', 'POST', '/auth/login', { raw: '{' }],
  ['another content type', 'POST', '/auth/login', { raw: 'x', headers: { 'content-type': 'text/plain' } }],
  ['a large body', 'POST', '/auth/login', { raw: `"${'x'.repeat(1_048_576)}"` }],
  ['a broken URL', 'GET', '/chat/conversations/%zz', {}],
  ['a broken query', 'GET', '/auth/me?x=%ff', {}],
  [
    'a preflight',
    'OPTIONS',
    '/auth/me',
    { headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' } },
  ],
  ['OPTIONS', 'OPTIONS', '/auth/me', {}],
  ['a health call', 'GET', '/health', {}],
  ['the root', 'GET', '//', {}],
  ['the page of the API', 'GET', '//docs', {}],
  ['an asset of that page', 'GET', '//docs/swagger-ui.css', {}],
  ['the page of errors', 'GET', '//errors', {}],
  ['the OpenAPI document', 'GET', '//openapi.json', {}],
];

describe('X-Request-ID', () => {
  it.each(WAYS)("is on %s: the client's own, else a fresh one", async (_, method, path, way) => {
    const call = (id: Record<string, string>) => me.call(method, path, { ...way, headers: { ...way.headers, ...id } });
    expect((await call({ 'x-request-id': 'mine ~!"{1}' })).headers.get('x-request-id')).toBe('mine ~!"{1}');
    expect((await call({ 'x-request-id': 'x'.repeat(128) })).headers.get('x-request-id')).toHaveLength(128);
    const [one, other] = [await call({}), await call({ 'x-request-id': 'x'.repeat(129) })].map((answer) =>
      answer.headers.get('x-request-id'),
    );
    expect([one, other]).toEqual([expect.stringMatching(/^[\w-]{8,64}$/), expect.stringMatching(/^[\w-]{8,64}$/)]);
    expect(one).not.toBe(other);
  });

  it.each([
    ['what is no HTTP', 'NONSENSE\r\n\r\n', 400],
    ['headers over 16 KiB', rawRequest('GET /api/v1/health', [`X-Long: ${'x'.repeat(17_000)}`]), 431],
    ['a missing Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ])('is on the answer to %s', async (_, bytes, status) => {
    const answer = await exchange(stack.url(0), bytes);
    expect([answer.status, answer.headers.get('x-request-id')]).toEqual([status, answer.body['request_id']]);
  });
});

it('answers HEAD as GET, without the body', async () => {
  const answer = await fetch(`${stack.url(0)}/api/v1/auth/me`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${me.token}`, 'x-request-id': 'mine', origin: 'https://app.example' },
  });
  expect([
    answer.status,
    await answer.text(),
    answer.headers.get('x-request-id'),
    answer.headers.get('access-control-allow-origin'),
  ]).toEqual([200, '', 'mine', '*']);
});

describe('an error', () => {
  it.each([
    ['malformed JSON', 'POST', '/auth/login', { raw: '{"email":' }, 400, 'malformed_request'],
    ['broken UTF-8', 'POST', '/auth/login', { raw: new Uint8Array([0x22, 0xff, 0x22]) }, 400, 'malformed_request'],
    ['a body over 32 KiB', 'POST', '/auth/login', { raw: `"${'x'.repeat(32_768)}"` }, 413, 'body_too_large'],
    [
      'another content type',
      'POST',
      '/auth/login',
      { raw: '{}', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported_media_type',
    ],
    [
      'another charset',
      'POST',
      '/auth/login',
      { raw: '{}', headers: { 'content-type': 'application/json; charset=latin1' } },
      415,
      'unsupported_media_type',
    ],
    [
      'a Content-Encoding',
      'POST',
      '/auth/login',
      { raw: '{}', headers: { 'content-encoding': 'gzip' } },
      415,
      'unsupported_media_type',
    ],
    ['an unknown route', 'GET', '/nowhere', {}, 404, 'route_not_found'],
    ['an unknown route at the root', 'GET', '//nowhere', {}, 404, 'route_not_found'],
    ['a call of the API without its prefix', 'GET', '//auth/me', {}, 404, 'route_not_found'],
    ['a wrong method', 'DELETE', '/auth/login', {}, 405, 'method_not_allowed'],
    ['a wrong method on a page', 'POST', '//openapi.json', {}, 405, 'method_not_allowed'],
    ['a wrong method on a health call', 'POST', '/health', {}, 405, 'method_not_allowed'],
    ['a body that fails validation', 'POST', '/auth/login', { raw: '{}' }, 422, 'validation_failed'],
  ])('of %s is a problem document', async (_, method, path, call, status, code) => {
    expectProblem(await me.call(method, path, call), status, code);
  });

  it.each(['/auth/me', '/health', '/chat/conversations'])(
    'does not come of a body that nobody reads: GET %s',
    async (path) => {
      const answer = await exchange(
        stack.url(0),
        rawRequest(
          `GET /api/v1${path}`,
          [`Authorization: Bearer ${me.token}`, 'Content-Type: text/plain', 'Content-Encoding: gzip'],
          'x',
        ),
      );
      expect(answer.status).toBe(200);
    },
  );

  it.each([
    ['text/plain', '{}', 415, 'unsupported_media_type'],
    ['application/json', '{', 400, 'malformed_request'],
  ])('comes of a body of DELETE that is %s: %s', async (type, raw, status, code) => {
    const id = await me.conversation();
    expectProblem(
      await me.call('DELETE', `/chat/conversations/${id}`, { raw, headers: { 'content-type': type } }),
      status,
      code,
    );
    expect(await me.messages(id)).toEqual([]);
  });

  it('of headers over 16 KiB too', async () => {
    expectProblem(
      await exchange(stack.url(0), rawRequest('GET /api/v1/auth/me', [`X-Long: ${'x'.repeat(17_000)}`])),
      431,
      'headers_too_large',
    );
  });

  it('of a body says in one sentence what is wrong, and lists each field', async () => {
    const { body } = await me.post('/auth/register', { email: 'nobody', password: 5 });
    expect(body['detail']).toBe(
      'email must be an e-mail address, such as ada@example.com. One other field is wrong too; see errors.',
    );
    expect(body['errors']).toEqual([
      {
        field: '/email',
        code: 'not_an_email_address',
        detail: 'email must be an e-mail address, such as ada@example.com.',
      },
      { field: '/password', code: 'wrong_type', detail: 'password must be a text.' },
    ]);
  });

  it('has a type that leads to a page about its code', async () => {
    const { body } = await me.get('/nowhere');
    const page = await me.call('GET', `/${String(body['type']).split('#', 1).join('')}`);
    expect(page.status).toBe(200);
    expect(page.body['text']).toContain('id="route_not_found"');
  });
});

describe('CORS', () => {
  const ALLOWED = 'Authorization, Content-Type, X-Request-ID, Idempotency-Key, Last-Event-ID, Prefer';
  const EXPOSED = 'X-Request-ID, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed, Preference-Applied';
  const preflight = (url: string, origin: string) =>
    stack
      .client()
      .at(url)
      .call('OPTIONS', '/chat/conversations', {
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,prefer',
        },
      });

  it('lets every origin in by default, and allows and exposes just what it should', async () => {
    const answer = await preflight(stack.url(0), 'https://app.example');
    expect([
      answer.status,
      answer.headers.get('access-control-allow-origin'),
      answer.headers.get('access-control-allow-headers'),
      answer.headers.get('access-control-allow-credentials'),
    ]).toEqual([204, '*', ALLOWED, null]);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
      expect(answer.headers.get('access-control-allow-methods')?.split(', ')).toContain(method);
  });

  it.each(WAYS.filter(([, method]) => method !== 'OPTIONS'))(
    'opens %s to a page of another origin',
    async (_, method, path, way) => {
      const answer = await me.call(method, path, {
        ...way,
        headers: { ...way.headers, origin: 'https://app.example' },
      });
      expect([
        answer.headers.get('access-control-allow-origin'),
        answer.headers.get('access-control-expose-headers'),
      ]).toEqual(['*', EXPOSED]);
    },
  );

  it('lets only CORS_ORIGINS in when it is set', async () => {
    const api = await stack.add('api');
    await api.start({ CORS_ORIGINS: 'https://app.example, https://other.example' });
    const url = stack.url(stack.apis.indexOf(api));
    const [one, other, none] = await Promise.all(
      ['https://app.example', 'https://other.example', 'https://evil.example'].map((origin) => preflight(url, origin)),
    );
    expect([one, other, none].map((answer) => answer?.headers.get('access-control-allow-origin'))).toEqual([
      'https://app.example',
      'https://other.example',
      null,
    ]);
    expect(one?.headers.get('vary')).toContain('Origin');
    expect(
      (await me.at(url).get('/auth/me', { headers: { origin: 'https://evil.example' } })).headers.get(
        'access-control-allow-origin',
      ),
    ).toBeNull();
    await api.stop();
  });
});
