import { eventually, startStack, type Answer, type Client, type Stack } from '@edgechat/testing';
import { expectProblem, oneByOne } from './problems.js';

/** The rate limit of the first contract, over two APIs and one Redis; and what a system without an AI provider answers. */
const LIMIT = 5;
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    apis: 2,
    workers: 1,
    env: {
      RATE_LIMIT_REQUESTS: String(LIMIT),
      TRUSTED_PROXIES: '127.0.0.1',
      AI_PROVIDER: undefined,
      OPENAI_BASE_URL: undefined,
    },
  });
});
afterAll(() => stack.close());

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
let used = 0;
/** An address that no other test uses. */
const anAddress = (): string => `198.51.${(used += 1)}.7`;
const from = (address: string): { headers: Record<string, string> } => ({ headers: { 'x-forwarded-for': address } });
const remaining = ({ headers }: Answer): string | undefined => /;r=(\d+);/.exec(headers.get('ratelimit') ?? '')?.[1];

/** An account, registered from an address of its own, all of whose calls come from there. */
async function anAccount(): Promise<Client> {
  const client = stack.client(0);
  const answer = await client.post(
    '/auth/register',
    { email: `${anAddress()}@example.com`, password: 'correct horse battery' },
    from(anAddress()),
  );
  client.token = String(answer.body['access_token']);
  return client;
}

function expectLimited(answer: Answer | undefined): void {
  expect(answer?.status).toBe(429);
  expectProblem(answer!, 429, 'too_many_requests');
  expect(answer?.body['detail']).toBe('Too many requests');
  const retryAfter = Number(answer?.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThanOrEqual(1);
  expect(retryAfter).toBeLessThanOrEqual(60);
}

describe('the rate limit', () => {
  it('of an account holds over all APIs and addresses together, and says what is left', async () => {
    const client = await anAccount();
    const both = [client, client.at(stack.url(1))];
    const answers = await oneByOne(upTo(LIMIT + 2).map((n) => () => both[n % 2]!.get('/auth/me', from(anAddress()))));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expect(answers.map(remaining)).toEqual(['4', '3', '2', '1', '0', '0', '0']);
    for (const answer of answers) {
      expect(answer.headers.get('ratelimit-policy')).toBe('"default";q=5;w=60');
      expect(answer.headers.get('ratelimit')).toMatch(/^"default";r=[0-5];t=([1-9]|[1-5][0-9]|60)$/);
    }
    expectLimited(answers[LIMIT]);
    expectLimited(answers[LIMIT + 1]);
  });

  it.each<[string, (client: Client) => (n: number) => Promise<Answer>]>([
    [
      'answers of every kind',
      (client) => (n) =>
        client.call(
          ['GET', 'PUT', 'POST', 'GET', 'GET'][n % 5]!,
          ['/nowhere', '/auth/me', '/ai/complete', '/chat/conversations?limit=x', '/chat/conversations/x/messages'][
            n % 5
          ]!,
          from(anAddress()),
        ),
    ],
    ['a right token at calls that need none', (client) => () => client.get('//', from(anAddress()))],
  ])('counts %s on the account', async (_, callOf) => {
    const client = await anAccount();
    const call = callOf(client);
    const answers = await oneByOne(upTo(LIMIT).map((n) => () => call(n)));
    expect(answers.map(remaining)).toEqual(['4', '3', '2', '1', '0']);
    expectLimited(await client.get('/auth/me', from(anAddress())));
  });

  it.each<[string, (client: Client, call: ReturnType<typeof from>) => Promise<Answer>]>([
    ['without a token', (client, call) => client.get('/auth/me', call)],
    [
      'with a bad token',
      (client, call) => client.get('/auth/me', { headers: { ...call.headers, authorization: 'Bearer x' } }),
    ],
    ['for the pages', (client, call) => client.get('//openapi.json', call)],
    ['for unknown routes', (client, call) => client.get('/nowhere', call)],
    ['to log in', (client, call) => client.post('/auth/login', {}, call)],
  ])('counts requests %s on the address, over all APIs', async (_, call) => {
    const [address, another] = [anAddress(), anAddress()];
    const answers = await oneByOne(upTo(LIMIT).map((n) => () => call(stack.client(n % 2), from(address))));
    expect(answers.map(remaining)).toEqual(['4', '3', '2', '1', '0']);
    expectLimited(await call(stack.client(0), from(address)));
    expectLimited(await call(stack.client(1), from(address)));
    expect(remaining(await call(stack.client(0), from(another)))).toBe('4');
    expect((await (await anAccount()).get('/auth/me', from(address))).status).toBe(200);
  });

  it('counts IPv6 by /64', async () => {
    const call = (address: string): Promise<Answer> => stack.client().get('//', from(address));
    await oneByOne(upTo(LIMIT).map((n) => () => call(`2001:db8:0:1::${n}`)));
    expectLimited(await call('2001:db8:0:1:ffff::1'));
    expect((await call('2001:db8:0:2::1')).status).toBe(200);
  });

  it('does not touch health calls and preflights, which carry none of its headers', async () => {
    const address = anAddress();
    await oneByOne(upTo(LIMIT + 1).map(() => () => stack.client().get('//', from(address))));
    for (const path of ['/health', '/health/started', '/health/ready', '/health/db', '/health/mongo']) {
      const answers = await oneByOne(upTo(LIMIT + 1).map(() => () => stack.client().get(path, from(address))));
      expect(
        answers.map(({ status, headers }) => [status, headers.get('ratelimit'), headers.get('ratelimit-policy')]),
      ).toEqual(upTo(LIMIT + 1).map(() => [200, null, null]));
    }
    const preflight = await stack.client().call('OPTIONS', '/auth/me', {
      headers: { ...from(address).headers, origin: 'https://app.example', 'access-control-request-method': 'GET' },
    });
    expect(preflight.status).toBe(204);
  });

  it('has windows that begin with their first request and end, however many requests come', async () => {
    const api = await stack.add('api');
    await api.start({ RATE_LIMIT_WINDOW_SECONDS: '3' });
    const client = stack.client(stack.apis.indexOf(api));
    const address = anAddress();
    await oneByOne(upTo(LIMIT).map(() => () => client.get('//', from(address))));
    const refused = await client.get('//', from(address));
    expectLimited(refused);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(3);
    await eventually(async () => (await client.get('//', from(address))).status === 200, {
      withinMs: 4_000,
      everyMs: 20,
    });
    await api.stop();
  });
});

describe('X-Forwarded-For', () => {
  it('is believed from a trusted proxy, up to the first address that is not one', async () => {
    const address = anAddress();
    await oneByOne(upTo(LIMIT).map((n) => () => stack.client().get('//', from(`203.0.113.${n}, ${address}`))));
    expectLimited(await stack.client().get('//', from(`203.0.113.99, ${address}, 127.0.0.1`)));
  });

  it('is not believed by default', async () => {
    const api = await stack.add('api');
    await api.start({ TRUSTED_PROXIES: '' });
    const client = stack.client(stack.apis.indexOf(api));
    await oneByOne(upTo(LIMIT).map(() => () => client.get('//', from(anAddress()))));
    expectLimited(await client.get('//', from(anAddress())));
    await api.stop();
  });
});

describe('while Redis is away', () => {
  afterEach(async () => {
    stack.stores.redis.resume();
    await eventually(async () => {
      const address = anAddress();
      return (
        (await oneByOne([0, 1].map((api) => () => stack.client(api).get('//', from(address)))))
          .map(remaining)
          .join() === '4,3'
      );
    });
  });

  it('the limit holds in each process by itself', async () => {
    const address = anAddress();
    stack.stores.redis.hang();
    for (const api of [0, 1]) {
      const answers = await oneByOne(upTo(LIMIT + 1).map(() => () => stack.client(api).get('//', from(address))));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
    }
    const ready = await stack.client().get('/health/ready');
    expect([ready.status, ready.body['checks']]).toEqual([
      503,
      { database: 'connected', mongo: 'connected', redis: 'error' },
    ]);
  });
});

describe('without an AI provider', () => {
  it('/ai/complete is 503', async () => {
    const client = await anAccount();
    const answer = await client.post('/ai/complete', { prompt: 'hello' });
    expectProblem(answer, 503, 'ai_not_configured');
    expect(answer.body['detail']).toBe('AI service not configured');
  });

  it('a send is 503, and the message is kept', async () => {
    const client = await anAccount();
    const conversation = await client.conversation();
    const answer = await client.send(conversation, 'hello');
    expectProblem(answer, 503, 'ai_not_configured');
    expect(answer.body).toMatchObject({
      detail: 'AI service not configured',
      user_message: { role: 'user', content: 'hello', seq: 1 },
    });
    expect((await client.messages(conversation)).map(({ content }) => content)).toEqual(['hello']);
  });
});
