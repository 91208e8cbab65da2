import type { InjectOptions } from 'fastify';
import { aTestApp, type TestApp } from './test-app.js';

const OURS = 'https://app.example';
const EXPOSED = 'X-Request-ID, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed, Preference-Applied';
const JSON_TYPE = { 'content-type': 'application/json' };
const PREFLIGHT = { 'access-control-request-method': 'POST' };

/** Each way in which an answer comes about, one for each place that writes some. */
const ANSWERS: readonly (readonly [string, number, InjectOptions])[] = [
  ['a success', 200, { url: '/api/v1/echo' }],
  ['nothing to say', 204, { method: 'DELETE', url: '/api/v1/echo/1', headers: { authorization: 'Bearer good-1' } }],
  ['HEAD', 200, { method: 'HEAD', url: '/api/v1/echo' }],
  ['OPTIONS', 204, { method: 'OPTIONS', url: '/api/v1/echo' }],
  ['an unknown path', 404, { url: '/nowhere' }],
  ['another method', 405, { method: 'PUT', url: '/api/v1/echo' }],
  ['a method that nobody knows', 405, { method: 'TRACE', url: '/api/v1/echo' }],
  ['a broken path', 400, { url: '/api/v1/echo/%zz' }],
  ['a broken query', 400, { url: '/api/v1/echo?x=%ff' }],
  ['a broken body', 400, { method: 'POST', url: '/api/v1/echo', headers: JSON_TYPE, payload: '{' }],
  ['a large body', 413, { method: 'POST', url: '/api/v1/echo', headers: JSON_TYPE, payload: 'x'.repeat(40_000) }],
  ['another kind of body', 415, { method: 'POST', url: '/api/v1/echo', payload: 'x' }],
  ['a wrong body', 422, { method: 'POST', url: '/api/v1/echo', headers: JSON_TYPE, payload: '{}' }],
  ['a wrong query', 422, { url: '/api/v1/echo?limit=x' }],
  ['a missing token', 401, { url: '/api/v1/echo/me' }],
  ['a token that cannot be judged', 503, { url: '/api/v1/echo/me', headers: { authorization: 'Bearer stale' } }],
  ['a refusal', 404, { url: '/api/v1/echo/throws/refused' }],
  ['a store that is away', 503, { url: '/api/v1/echo/throws/busy' }],
  ['a bug', 500, { url: '/api/v1/echo/throws/bug' }],
  ['a health call', 200, { url: '/api/v1/echo/alive' }],
  ['the page of the API', 200, { url: '/docs' }],
  ['the page of errors', 200, { url: '/errors' }],
];

const PREFLIGHTS: readonly (readonly [string, string])[] = [
  ['a call', '/api/v1/echo'],
  ['an unknown path', '/nowhere'],
  ['a broken path', '/api/v1/echo/%zz'],
  ['a broken query', '/api/v1/echo?x=%ff'],
];

let edge: TestApp;
afterEach(() => edge.app.close());

const ask = (options: InjectOptions, origin?: string) =>
  edge.app.inject({ ...options, headers: { ...options.headers, ...(origin === undefined ? {} : { origin }) } });

describe('an answer to a page, where any origin may read', () => {
  it.each(ANSWERS)('is open to it: %s', async (_, status, options) => {
    edge = await aTestApp();
    const answer = await ask(options, OURS);
    expect([answer.statusCode, answer.headers]).toMatchObject([
      status,
      { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED },
    ]);
    expect(answer.headers).not.toHaveProperty('vary');
    expect((await ask(options)).headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('an answer to a page, where some origins may read', () => {
  it.each(ANSWERS)('is open to those to the letter, and caches are told: %s', async (_, status, options) => {
    edge = await aTestApp({ env: { CORS_ORIGINS: `${OURS},https://b.example` } });
    const answer = await ask(options, OURS);
    expect([answer.statusCode, answer.headers]).toMatchObject([
      status,
      { 'access-control-allow-origin': OURS, 'access-control-expose-headers': EXPOSED, vary: 'Origin' },
    ]);
    for (const origin of [undefined, 'https://evil.example', `${OURS}.evil.example`, OURS.toUpperCase(), 'null', '*']) {
      const theirs = await ask(options, origin);
      expect([theirs.statusCode, theirs.headers['vary']]).toEqual([status, 'Origin']);
      expect(theirs.headers).not.toHaveProperty('access-control-allow-origin');
      expect(theirs.headers).not.toHaveProperty('access-control-expose-headers');
    }
  });

  it.each([
    ['a call beyond the limit', 429, { allowance: { isExceeded: true, remaining: 0, resetS: 9 } }, false],
    ['a server that stops', 503, {}, true],
  ] as const)('is open to those: %s', async (_, status, parts, isDraining) => {
    edge = await aTestApp({ env: { CORS_ORIGINS: OURS }, ...parts });
    edge.draining.isDraining = isDraining;
    const answer = await ask({ url: '/api/v1/echo' }, OURS);
    expect([answer.statusCode, answer.headers]).toMatchObject([
      status,
      { 'access-control-allow-origin': OURS, 'access-control-expose-headers': EXPOSED, vary: 'Origin' },
    ]);
  });
});

describe('a preflight', () => {
  it.each(PREFLIGHTS)('is answered for whatever its call will be: %s', async (_, url) => {
    edge = await aTestApp({ env: { CORS_ORIGINS: OURS } });
    const answer = await ask({ method: 'OPTIONS', url, headers: PREFLIGHT }, OURS);
    expect([answer.statusCode, answer.headers]).toMatchObject([
      204,
      {
        'access-control-allow-origin': OURS,
        'access-control-allow-methods': expect.stringContaining('DELETE'),
        'x-request-id': expect.any(String),
      },
    ]);
    const theirs = await ask({ method: 'OPTIONS', url, headers: PREFLIGHT }, 'https://evil.example');
    expect(theirs.headers).not.toHaveProperty('access-control-allow-origin');
  });
});
