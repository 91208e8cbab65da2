import { randomUUID } from 'node:crypto';
import { startStack, type Answer, type Client, type Stack } from '@edgechat/testing';
import { expectProblem } from './problems.js';
import { exchange, rawRequest } from './raw-http.js';
import { claimsOf, signToken } from './tokens.js';

/** What a browser may do with an answer, whichever it is; and what a page of another site can make it do. */
const SECRET = 'a secret of thirty-two bytes or so';
const SITE = { origin: 'https://evil.example' };
let stack: Stack;
let me: Client;
beforeAll(async () => {
  stack = await startStack({ env: { JWT_SECRET: SECRET } });
  me = await stack.client().register();
});
afterAll(() => stack.close());

const raw = (line: string, headers: readonly string[], body?: string): Promise<Answer> =>
  exchange(stack.url(0), rawRequest(line, headers, body));

const ANSWERS: readonly [what: string, status: number, ask: () => Promise<Answer>][] = [
  ['a body', 200, () => me.get('/auth/me')],
  [
    'a new account',
    201,
    () =>
      stack
        .client()
        .post('/auth/register', { email: `${randomUUID()}@example.com`, password: 'a fine old password 7' }),
  ],
  ['a health call', 200, () => stack.client().get('/health')],
  ['the root', 200, () => stack.client().get('//')],
  ['nothing', 204, () => stack.client().post('/auth/logout', { refresh_token: 'none' })],
  [
    'a preflight',
    204,
    () => stack.client().call('OPTIONS', '/auth/me', { headers: { ...SITE, 'access-control-request-method': 'GET' } }),
  ],
  ['HEAD', 200, () => me.call('HEAD', '/auth/me')],
  ['a broken URL', 400, () => me.get('/chat/conversations/%')],
  ['no token', 401, () => stack.client().get('/auth/me')],
  ['an unknown path', 404, () => me.get('/nothing')],
  ['another method', 405, () => me.call('PUT', '/auth/me')],
  ['a body that is too large', 413, () => me.post('/auth/password', { old_password: 'x'.repeat(100_000) })],
  [
    'a form',
    415,
    () =>
      me.post('/auth/password', undefined, {
        raw: 'a=b',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
  ],
  ['a wrong field', 422, () => me.post('/ai/complete', { prompt: '' })],
  ['large headers', 431, () => raw('GET /api/v1/health', [`X-Large: ${'x'.repeat(20_000)}`])],
  ['no HTTP', 400, () => exchange(stack.url(0), 'nonsense\r\n\r\n')],
  ['TRACE', 405, () => raw('TRACE /api/v1/auth/me', [])],
  ['the page about errors', 200, () => stack.client().get('//errors')],
  ['the docs', 200, () => stack.client().get('//docs')],
  ['a script of the docs', 200, () => stack.client().get('//docs/swagger-ui-bundle.js')],
  ['a style of the docs', 200, () => stack.client().get('//docs/swagger-ui.css')],
  ['the OpenAPI document', 200, () => stack.client().get('//openapi.json')],
];

describe('an answer', () => {
  it.each(ANSWERS)(
    'is taken by no browser for what it is not, framed by nobody, and sets no cookie: %s',
    async (_, status, ask) => {
      const { status: answered, headers } = await ask();
      expect(answered).toBe(status);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
      expect(headers.get('content-security-policy')).not.toMatch(/\*|unsafe-eval|script-src[^;]*unsafe/);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toMatch(/^(no-store|no-cache|public, max-age=0)$/);
      for (const name of ['set-cookie', 'server', 'x-powered-by']) expect(headers.has(name)).toBe(false);
    },
  );

  it.each(ANSWERS)('says in which form it is, and that its text is UTF-8: %s', async (_, __, ask) => {
    const { headers, status } = await ask();
    const type = headers.get('content-type');
    if (status === 204) return expect(type).toBeNull();
    // JSON is UTF-8 by definition (RFC 8259), and problem+json has no parameter.
    expect(type).toMatch(
      /^(application\/problem\+json|(application\/(json|javascript)|text\/(html|css|javascript)); ?charset=utf-8)$/i,
    );
  });
});

describe('a page of another site', () => {
  const email = `${randomUUID()}@example.com`;
  const account = JSON.stringify({ email, password: 'a fine old password 7' });

  it.each([
    ['text/plain', account],
    ['application/x-www-form-urlencoded', `email=${encodeURIComponent(email)}&password=a+fine+old+password+7`],
    [
      'multipart/form-data; boundary=x',
      `--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n${email}\r\n--x--\r\n`,
    ],
    ['text/plain; application/json', account],
  ])('makes nothing of what a form can send: %s', async (type, body) => {
    const sent = await stack
      .client()
      .post('/auth/register', undefined, { raw: body, headers: { ...SITE, 'content-type': type } });
    expectProblem(sent, 415, 'unsupported_media_type');
  });

  it('makes nothing of a body without a type, and the address is free afterwards', async () => {
    const sent = await raw('POST /api/v1/auth/register', ['Origin: https://evil.example'], account);
    expectProblem(sent, 415, 'unsupported_media_type');
    expect((await stack.client().post('/auth/register', { email, password: 'a fine old password 7' })).status).toBe(
      201,
    );
  });

  it.each(['/auth/register', '/auth/login', '/auth/refresh', '/auth/logout', '/auth/password', '/ai/complete'])(
    'changes nothing by a link: GET %s is 405',
    async (path) => expectProblem(await me.get(path, { headers: SITE }), 405, 'method_not_allowed'),
  );

  it('is sent no cookie that it could use: a call without the header has no account', async () => {
    const token = String(me.token);
    const cookie = ['access_token', 'token', 'session', '__Host-session'].map((name) => `${name}=${token}`).join('; ');
    expectProblem(await stack.client().get('/auth/me', { headers: { ...SITE, cookie } }), 401, 'unauthorized');
  });
});

describe('a token that brings its own key', () => {
  const theirs = 'their own secret of thirty-two bytes';
  const jwk = { kty: 'oct', k: Buffer.from(theirs).toString('base64url') };

  it.each<[string, object, string]>([
    ['in its header', { jwk }, theirs],
    ['at an address', { jku: 'https://evil.example/keys' }, theirs],
    ['as a certificate', { x5u: 'https://evil.example/cert', x5c: ['AAAA'] }, theirs],
    ['by the name of a file', { kid: '../../../../dev/null' }, ''],
    ['by a statement', { kid: "x' union select 'their own secret of thirty-two bytes" }, theirs],
    ['with an extension that must be understood', { crit: ['exp'], exp: 0 }, SECRET],
  ])('opens nothing: %s', async (_, header, secret) => {
    const client = Object.assign(stack.client(), {
      token: signToken(claimsOf(me.token), secret, 'HS256', 'at+jwt', header),
    });
    expectProblem(await client.get('/auth/me'), 401, 'unauthorized');
    expect((await me.get('/auth/me')).status).toBe(200);
  });
});
