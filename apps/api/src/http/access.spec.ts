import { aTestApp, type TestApp } from './test-app.js';

describe('access', () => {
  let edge: TestApp;
  beforeEach(async () => {
    edge = await aTestApp({ env: { TRUSTED_PROXIES: '127.0.0.1' } });
  });
  afterEach(() => edge.app.close());

  it.each([undefined, 'Bearer', 'Bearer ', 'Basic good-1', 'good-1', 'Bearer bad', 'Bearer good-1 good-1'])(
    'refuses a protected call with %s',
    async (authorization) => {
      const answer = await edge.app.inject({
        url: '/api/v1/echo/me',
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.json().code).toBe('unauthorized');
      expect(edge.metered).toEqual([]);
      expect(edge.counted).toEqual(['address:127.0.0.1']);
    },
  );

  it.each(['Bearer good-7', 'bearer good-7', 'BEARER  good-7', 'Bearer known-7'])(
    'knows the caller by %s',
    async (authorization) => {
      const answer = await edge.app.inject({ url: '/api/v1/echo/me', headers: { authorization } });
      expect(answer.json()).toEqual({ account: 7 });
      expect(edge.counted).toEqual(['account:7']);
      expect(edge.metered).toEqual([7]);
    },
  );

  it('takes a token from nowhere but the header', async () => {
    expect(
      (
        await edge.app.inject({
          url: '/api/v1/echo/me?access_token=good-7',
          headers: { cookie: 'access_token=good-7' },
        })
      ).statusCode,
    ).toBe(401);
  });

  it('meters a valid token whatever is answered, and lets a bad one into a public call', async () => {
    await edge.app.inject({ url: '/api/v1/nowhere', headers: { authorization: 'Bearer good-7' } });
    const answer = await edge.app.inject({ url: '/api/v1/echo', headers: { authorization: 'Bearer bad' } });
    expect(answer.statusCode).toBe(200);
    expect(edge.metered).toEqual([7]);
  });

  it('answers 503 when nothing is known of ended sessions', async () => {
    const answer = await edge.app.inject({ url: '/api/v1/echo/me', headers: { authorization: 'Bearer stale' } });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('refuses without a look at the body', async () => {
    const answer = await edge.app.inject({
      method: 'DELETE',
      url: '/api/v1/echo/1',
      payload: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.statusCode).toBe(401);
  });

  it('tells what is left, and leaves health calls out', async () => {
    const answer = await edge.app.inject({ url: '/api/v1/echo' });
    expect(answer.headers['ratelimit-policy']).toBe('"default";q=100;w=60');
    expect(answer.headers['ratelimit']).toBe('"default";r=99;t=60');
    const alive = await edge.app.inject({ url: '/api/v1/echo/alive' });
    expect(alive.headers).not.toHaveProperty('ratelimit');
    expect(edge.counted).toHaveLength(1);
  });

  it('believes a forwarded address from a configured proxy only', async () => {
    await edge.app.inject({
      url: '/api/v1/echo',
      remoteAddress: '127.0.0.1',
      headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.7' },
    });
    await edge.app.inject({
      url: '/api/v1/echo',
      remoteAddress: '192.0.2.1',
      headers: { 'x-forwarded-for': '203.0.113.7' },
    });
    await edge.app.inject({
      url: '/api/v1/echo',
      remoteAddress: '127.0.0.1',
      headers: { 'x-forwarded-for': 'nonsense' },
    });
    expect(edge.counted).toEqual(['address:203.0.113.7', 'address:192.0.2.1', 'address:127.0.0.1']);
  });

  it.each([
    ['of 6 days also on its address', 'new-7-6.9', 'account:7 new at 203.0.113.7'],
    ['of a moment also on its address', 'new-7-0', 'account:7 new at 203.0.113.7'],
    ['of 7 days on itself alone', 'new-7-7', 'account:7'],
    ['of long ago on itself alone', 'good-7', 'account:7'],
  ])('counts an account %s', async (_, token, key) => {
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': '203.0.113.7' };
    await edge.app.inject({ url: '/api/v1/echo/me', headers });
    expect(edge.counted).toEqual([key]);
  });

  describe('counts a call with a refresh token', () => {
    const SESSION = '01900000-0000-7000-8000-0000000000aa';
    const json = { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.7' };
    const refresh = (payload: string | undefined, headers: Record<string, string | string[]> = json) =>
      edge.app.inject({ method: 'POST', url: '/api/v1/echo/refresh', headers, ...(payload ? { payload } : {}) });

    it('on its session, whoever else is at the address', async () => {
      const answer = await refresh(JSON.stringify({ refresh_token: `ours-${SESSION}` }));
      expect([answer.statusCode, answer.headers['ratelimit']]).toEqual([204, '"default";r=99;t=60']);
      expect(edge.counted).toEqual([`session:${SESSION} at 203.0.113.7`]);
    });

    it.each([
      ['that is not ours', '{"refresh_token":"x"}', 204],
      ['that is no text', '{"refresh_token":{"ours-":1}}', 422],
      ['in a list', '["ours-"]', 422],
      ['in a body that is broken', '{"refresh_token":', 400],
      ['in a body that is too large', `"${'x'.repeat(33_000)}"`, 413],
      ['that is missing', '{}', 422],
      ['in no body', undefined, 422],
    ])('on the address where it is one %s', async (_, payload, status) => {
      const answer = await refresh(payload);
      expect([answer.statusCode, edge.counted]).toEqual([status, ['address:203.0.113.7']]);
    });

    it.each([
      ['of another type', { ...json, 'content-type': 'text/plain' }, 415],
      ['with an encoding', { ...json, 'content-encoding': 'gzip' }, 415],
    ])('on the address where its body is one %s', async (_, headers, status) => {
      const answer = await refresh(JSON.stringify({ refresh_token: `ours-${SESSION}` }), headers);
      expect([answer.statusCode, edge.counted]).toEqual([status, ['address:203.0.113.7']]);
    });

    it('on the account of a valid access token, where the refresh token is none', async () => {
      await refresh('{"refresh_token":"x"}', { ...json, authorization: 'Bearer good-7' });
      expect([edge.counted, edge.metered]).toEqual([['account:7'], [7]]);
    });
  });

  it('takes no new work while it stops, except signs of life', async () => {
    edge.draining.isDraining = true;
    const answer = await edge.app.inject({ url: '/api/v1/echo' });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers).toMatchObject({ 'retry-after': '1', connection: 'close' });
    expect((await edge.app.inject({ url: '/api/v1/echo/alive' })).statusCode).toBe(200);
  });
});

it('tells nothing of a limit where there is none', async () => {
  const edge = await aTestApp({ allowance: null });
  const answer = await edge.app.inject({ url: '/api/v1/echo' });
  expect(answer.statusCode).toBe(200);
  expect(Object.keys(answer.headers).filter((name) => name.startsWith('ratelimit'))).toEqual([]);
  await edge.app.close();
});

it('refuses over the limit, with the time to wait', async () => {
  const edge = await aTestApp({ allowance: { isExceeded: true, remaining: 0, resetS: 42 } });
  const answer = await edge.app.inject({ url: '/api/v1/echo/me', headers: { authorization: 'Bearer good-7' } });
  expect(answer.statusCode).toBe(429);
  expect(answer.headers['retry-after']).toBe('42');
  expect(answer.headers['ratelimit']).toBe('"default";r=0;t=42');
  expect(answer.json().detail).toBe('Too many requests');
  expect((await edge.app.inject({ url: '/api/v1/echo/alive' })).statusCode).toBe(200);
  await edge.app.close();
});

it('refuses over the limit what is counted on a refresh token, before it says what is wrong with the body', async () => {
  const edge = await aTestApp({ allowance: { isExceeded: true, remaining: 0, resetS: 42 } });
  for (const payload of ['{"refresh_token":"x"}', '{']) {
    const answer = await edge.app.inject({
      method: 'POST',
      url: '/api/v1/echo/refresh',
      headers: { 'content-type': 'application/json' },
      payload,
    });
    expect([answer.statusCode, answer.headers['retry-after'], answer.headers['ratelimit']]).toEqual([
      429,
      '42',
      '"default";r=0;t=42',
    ]);
  }
  await edge.app.close();
});

it("says how long to wait for the address's limit, and of the account's what is left", async () => {
  const edge = await aTestApp({ allowance: { isExceeded: true, remaining: 90, resetS: 42, retryAfterS: 17 } });
  const answer = await edge.app.inject({ url: '/api/v1/echo/me', headers: { authorization: 'Bearer new-7-1' } });
  expect([answer.statusCode, answer.headers['retry-after'], answer.headers['ratelimit']]).toEqual([
    429,
    '17',
    '"default";r=90;t=42',
  ]);
  await edge.app.close();
});

describe('CORS', () => {
  const preflight = { origin: 'https://app.example', 'access-control-request-method': 'POST' };

  it('answers any origin by default, errors included, and preflights without a token or a count', async () => {
    const edge = await aTestApp();
    const refused = await edge.app.inject({ url: '/api/v1/echo/me', headers: { origin: 'https://app.example' } });
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['access-control-allow-origin']).toBe('*');
    expect(refused.headers['access-control-expose-headers']).toBe(
      'X-Request-ID, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed, Preference-Applied',
    );
    const before = edge.counted.length;
    const answer = await edge.app.inject({ method: 'OPTIONS', url: '/api/v1/echo/me', headers: preflight });
    expect(answer.statusCode).toBe(204);
    expect(answer.headers['access-control-allow-headers']).toBe(
      'Authorization, Content-Type, X-Request-ID, Idempotency-Key, Last-Event-ID, Prefer',
    );
    expect(answer.headers['access-control-allow-methods']).toContain('DELETE');
    expect(answer.headers['access-control-max-age']).toBe('7200');
    expect(answer.headers['x-request-id']).toBeDefined();
    expect(edge.counted).toHaveLength(before);
    expect(edge.answered).toEqual(['info GET 401', 'debug OPTIONS 204']);
    await edge.app.close();
  });

  it('names only a configured origin, and tells caches that it varies', async () => {
    const edge = await aTestApp({ env: { CORS_ORIGINS: 'https://app.example, https://b.example' } });
    const ours = await edge.app.inject({ url: '/api/v1/echo', headers: { origin: 'https://app.example' } });
    expect(ours.headers).toMatchObject({ 'access-control-allow-origin': 'https://app.example', vary: 'Origin' });
    const theirs = await edge.app.inject({
      method: 'OPTIONS',
      url: '/api/v1/echo',
      headers: { ...preflight, origin: 'https://evil.example' },
    });
    expect(theirs.headers).not.toHaveProperty('access-control-allow-origin');
    await edge.app.close();
  });

  it('answers OPTIONS and HEAD, and counts them', async () => {
    const edge = await aTestApp();
    const options = await edge.app.inject({
      method: 'OPTIONS',
      url: '/api/v1/echo',
      headers: { origin: 'https://app.example' },
    });
    expect(options.statusCode).toBe(204);
    expect([edge.counted, edge.answered]).toEqual([['address:127.0.0.1'], ['info OPTIONS 204']]);
    expect(options.headers['ratelimit']).toBe('"default";r=99;t=60');
    expect(options.headers.allow).toBe('GET, HEAD, OPTIONS, POST');
    expect((await edge.app.inject({ method: 'OPTIONS', url: '/nowhere' })).statusCode).toBe(404);
    const head = await edge.app.inject({ method: 'HEAD', url: '/api/v1/echo' });
    expect(head.statusCode).toBe(200);
    expect(head.body).toBe('');
    await edge.app.close();
  });
});
