import { eventually, sql, startStack, type Client, type Stack } from '@edgechat/testing';

/** The rows of the first contract about usage, health and pages. */
let stack: Stack;
let lost: Client;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 0, env: { APP_NAME: 'Mine' } });
  const api = await stack.add('api');
  const nowhere = {
    DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/x',
    MONGODB_URL: 'mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=500',
    REDIS_URL: 'redis://127.0.0.1:1/0',
  };
  await api.start(nowhere, { waits: false });
  lost = stack.client(stack.apis.indexOf(api));
  await eventually(() => lost.get('/health'));
});
afterAll(() => stack.close());

describe('a health call', () => {
  it.each([
    ['/health', { status: 'ok' }],
    ['/health/started', { status: 'ok' }],
    ['/health/ready', { status: 'ok', checks: { database: 'connected', mongo: 'connected', redis: 'connected' } }],
    ['/health/db', { status: 'ok', database: 'connected' }],
    ['/health/mongo', { status: 'ok', mongo: 'connected' }],
  ])('says that all is well: %s', async (path, body) => {
    const answer = await stack.client().get(path);
    expect([answer.status, answer.body]).toEqual([200, body]);
    expect([answer.headers.get('ratelimit'), answer.headers.get('x-request-id')]).toEqual([null, expect.any(String)]);
  });

  it.each([
    ['/health/ready', { checks: { database: 'error', mongo: 'error', redis: 'error' } }],
    ['/health/db', { database: 'error' }],
    ['/health/mongo', { mongo: 'error' }],
    ['/health/started', {}],
  ])('is 503 when the stores are away: %s', async (path, parts) => {
    const answer = await lost.get(path);
    expect([answer.status, answer.body]).toEqual([
      503,
      { status: 'not ready', ...parts, detail: expect.any(String), request_id: answer.headers.get('x-request-id') },
    ]);
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]/);
  });

  it('says that the process is up, whatever the stores are', async () => {
    expect(await lost.get('/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });
});

describe('a page', () => {
  it('at the root says which application this is, also when the stores are away', async () => {
    for (const client of [stack.client(), lost])
      expect((await client.get('//')).body).toEqual({ status: 'ok', app: 'Mine' });
  });

  it.each([
    ['//docs', /html/, 'swagger-ui'],
    ['//openapi.json', /json/, ''],
    ['//errors', /html/, 'validation_failed'],
  ])('is at %s, for everybody', async (path, type, text) => {
    const answer = await stack.client().get(path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringMatching(type)]);
    expect(JSON.stringify(answer.body)).toContain(text);
  });
});

describe('GET /usage/me', () => {
  it('counts requests with a valid token, whatever was answered, at most 1 s late', async () => {
    const client = await stack.client().register();
    const other = client.at(stack.url(1));
    const codes = await Promise.all([
      client.get('/auth/me'),
      other.get('/nowhere'),
      client.call('PUT', '/auth/me'),
      other.post('/ai/complete', {}),
      client.get('/chat/conversations/x/messages'),
    ]);
    expect(codes.map(({ status }) => status)).toEqual([200, 404, 405, 422, 404]);
    await Promise.all([
      client.get('/health'),
      client.call('GET', '/auth/me', { headers: { authorization: 'Bearer x' } }),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // the promise itself

    expect(await other.get('/usage/me')).toMatchObject({
      status: 200,
      body: { total_requests: 5, requests_last_24h: 5, requests_last_7d: 5 },
    });
  });

  it('counts in windows of 24 hours and 7 days, exact to a minute', async () => {
    const client = await stack.client().register();
    const { id } = (await client.get('/auth/me')).body;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // Only here a test reaches behind HTTP: nobody can wait a week.
    const pretend = (age: string, requests: number): Promise<unknown> =>
      sql(
        stack.databaseUrl,
        "insert into edgechat.request_counts (account_id, minute, requests) values ($1, date_trunc('minute', now() - $2::interval), $3)",
        [id, age, requests],
      );
    await Promise.all([
      pretend('23 hours 58 minutes', 10),
      pretend('24 hours 2 minutes', 100),
      pretend('6 days 23 hours 58 minutes', 1_000),
      pretend('7 days 2 minutes', 10_000),
    ]);

    expect((await client.get('/usage/me')).body).toMatchObject({ requests_last_24h: 11, requests_last_7d: 1_111 });
  });
});
