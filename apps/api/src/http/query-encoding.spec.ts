import type { LightMyRequestResponse } from 'fastify';
import { isEncoded } from './query-encoding.js';
import { aTestApp, type TestApp } from './test-app.js';

const BROKEN = [
  ['a byte that begins nothing', 'q=%ff'],
  ['Latin-1', 'q=caf%E9'],
  ['Latin-1 within a word', 'q=caf%E9s+and'],
  ['a percent sign alone', 'q=%'],
  ['a percent sign at the end', 'q=100%'],
  ['one digit', 'q=%4'],
  ['what are no digits', 'q=%zz'],
  ['half a digit', 'q=%4g'],
  ['a percent sign twice', 'q=%%41'],
  ['the escape of old browsers', 'q=%u00e9'],
  ['a character that is cut off', 'q=%C3'],
  ['a character that a blank cuts in two', 'q=%C3+%A9'],
  ['a character that the next parameter cuts in two', 'q=%C3&x=%A9'],
  ['a character that its value cuts in two', '%C3=%A9'],
  ['the rest of a character', 'q=%A9'],
  ['an overlong slash', 'q=%C0%AF'],
  ['an overlong NUL', 'q=%C0%80'],
  ['an overlong character of three bytes', 'q=%E0%80%AF'],
  ['a high surrogate in UTF-8', 'q=%ED%A0%80'],
  ['a pair of surrogates in UTF-8', 'q=%ED%A0%BD%ED%B8%80'],
  ['a character beyond the last', 'q=%F4%90%80%80'],
  ['a character of five bytes', 'q=%F8%88%80%80%80'],
  ['UTF-16', 'q=%FE%FF%00x'],
  ['a broken name', '%ff=x'],
  ['a broken name without a value', '%ff'],
  ['a broken parameter that nobody asked for', 'unknown=%ff'],
  ['a broken one behind a right one', 'limit=5&limits=%E9'],
  ['a broken one behind many', `${'&'.repeat(3_000)}x=%ff`],
  ['a broken one behind a second question mark', 'q=a?%ff'],
  ['bytes that are not encoded, UTF-8', 'q=caf\u00c3\u00a9'],
  ['bytes that are not encoded, Latin-1', 'q=caf\u00e9'],
] as const;

const RIGHT = [
  ['nothing', ''],
  ['names without values', 'a&b&&=&='],
  ['blanks, as + and encoded', 'q=a+b%20c++'],
  ['a plus sign', 'q=%2B'],
  ['a percent sign', 'q=100%25'],
  ['what would be broken, encoded again', 'q=%25ff%25'],
  ['separators', 'q=%26%3D%3F%23&%26=%3D'],
  ['digits of both cases', 'q=%c3%a9%C3%A9'],
  ['NUL, which is a character', 'q=%00'],
  ['the last characters', 'q=%EF%BF%BD%EF%BF%BF%F4%8F%BF%BF'],
  ['an emoji', 'q=%F0%9F%98%80'],
  ['signs that need not be encoded', `q=~!*'()"<>[]{}|\\^\`;,/:@$`],
  ['16 KiB of encoded text', `q=${'%E2%82%AC'.repeat(1_800)}`],
] as const;

describe('a query', () => {
  it.each(BROKEN)('is broken when it has %s', (_, query) => {
    expect(isEncoded(query)).toBe(false);
  });

  it.each(RIGHT)('is right when it has %s', (_, query) => {
    expect(isEncoded(query)).toBe(true);
  });
});

describe('a broken query', () => {
  let edge: TestApp;
  beforeAll(async () => {
    edge = await aTestApp();
  });
  afterAll(() => edge.app.close());

  const expectRefused = (answer: LightMyRequestResponse): void => {
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect(answer.json()).toMatchObject({
      code: 'malformed_request',
      detail: expect.stringContaining('query'),
      instance: expect.not.stringContaining('?'),
      request_id: answer.headers['x-request-id'],
    });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  };

  it.each(BROKEN.filter(([, query]) => /^[\x21-\x7e]*$/.test(query)))(
    'is 400 when it has %s, with a token or without one, before anything is counted or looked up',
    async (_, query) => {
      for (const headers of [{}, { authorization: 'Bearer good-1' }, { authorization: 'Bearer stale' }])
        expectRefused(
          await edge.app.inject({
            url: `/api/v1/echo?${query}`,
            headers: { ...headers, origin: 'https://app.example' },
          }),
        );
      expect([edge.counted, edge.metered]).toEqual([[], []]);
    },
  );

  it.each([
    ['a call with a body', 'POST', '/api/v1/echo'],
    ['a call that takes no query', 'GET', '/api/v1/echo/me'],
    ['a call that is counted by its body', 'POST', '/api/v1/echo/refresh'],
    ['a call without a body', 'DELETE', '/api/v1/echo/1'],
    ['HEAD', 'HEAD', '/api/v1/echo'],
    ['OPTIONS', 'OPTIONS', '/api/v1/echo'],
    ['another method', 'PUT', '/api/v1/echo'],
    ['an unknown path', 'GET', '/nowhere'],
    ['the root', 'GET', '/'],
    ['a health call', 'GET', '/api/v1/echo/alive'],
    ['the page of the API', 'GET', '/docs'],
    ['the page of errors', 'GET', '/errors'],
    ['the document', 'GET', '/openapi.json'],
  ] as const)('is 400 on %s', async (_, method, path) => {
    const answer = await edge.app.inject({
      method,
      url: `${path}?x=%ff`,
      headers: { origin: 'https://app.example', ...(method === 'POST' ? { 'content-type': 'application/json' } : {}) },
      ...(method === 'POST' ? { payload: '{"content":"x"}' } : {}),
    });
    if (method === 'HEAD') expect(answer.statusCode).toBe(400);
    else expectRefused(answer);
  });

  it('stops no preflight, so that the page may read the 400 of its call', async () => {
    const answer = await edge.app.inject({
      method: 'OPTIONS',
      url: '/api/v1/echo?x=%ff',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' },
    });
    expect(answer.statusCode).toBe(204);
  });

  it.each(RIGHT)('is not what has %s', async (_, query) => {
    const answer = await edge.app.inject({ url: `/api/v1/echo?${query}` });
    expect([answer.statusCode, answer.json()]).toEqual([200, { limit: 20, skip: 0 }]);
  });
});
