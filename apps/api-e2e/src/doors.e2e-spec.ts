import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { eventually, sql, startStack, type Answer, type AppProcess, type Client, type Stack } from '@edgechat/testing';
import { expectProblem } from './problems.js';
import { rawRequest } from './raw-http.js';

/** Who gets in, and what the people of one address may take from each other: by the settings that nobody has set, unless a test says so. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    apis: 1,
    workers: 0,
    env: {
      TRUSTED_PROXIES: '127.0.0.1',
      RATE_LIMIT_REQUESTS: undefined,
      REGISTRATIONS_PER_HOUR: undefined,
      REGISTRATIONS_PER_DAY: undefined,
    },
  });
});
afterAll(() => stack.close());

const PASSWORD = 'a fine old password 7';
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const anEmail = (): string => `${randomUUID()}@example.com`;
let used = 0;
const anAddress = (): string => `198.51.${Math.floor((used += 1) / 250)}.${used % 250}`;
const from = (address: string): { headers: Record<string, string> } => ({ headers: { 'x-forwarded-for': address } });
const countOf = (answers: readonly Answer[], status: number): number =>
  answers.filter((answer) => answer.status === status).length;

const register = (address: string, body: object = {}, client = stack.client()): Promise<Answer> =>
  client.post('/auth/register', { email: anEmail(), password: PASSWORD, ...body }, from(address));

/** An account that registered from an address of its own. `ageDays` is how long ago, as tokens that it gets from now on say. */
async function anAccount({ ageDays = 0 } = {}): Promise<Client> {
  const email = anEmail();
  const registered = await register(anAddress(), { email });
  if (ageDays === 0) return holding(registered);
  await sql(
    stack.databaseUrl,
    `update edgechat.accounts set created_at = created_at - $2 * interval '1 day' where email = $1`,
    [email, ageDays],
  );
  return holding(await stack.client().post('/auth/login', { email, password: PASSWORD }, from(anAddress())));
}

function holding({ status, body }: Answer): Client {
  expect([200, 201]).toContain(status);
  return Object.assign(stack.client(), {
    token: String(body['access_token']),
    refreshToken: String(body['refresh_token']),
  });
}

/** A further API with settings of its own, for the time of `work`. */
async function withApi<T>(
  env: Record<string, string>,
  work: (client: Client, api: AppProcess) => Promise<T>,
): Promise<T> {
  const api = await stack.add('api');
  await api.start(env);
  try {
    return await work(stack.client(stack.apis.indexOf(api)), api);
  } finally {
    await api.stop('SIGKILL');
  }
}

describe('a new account', () => {
  it('has the 100 requests per minute of the first contract, from wherever it calls', async () => {
    const client = await anAccount();
    const address = anAddress();
    const answers = await Promise.all(upTo(100).map(() => client.get('/auth/me', from(address))));
    expect(countOf(answers, 200)).toBe(100);
    const refused = await client.get('/auth/me', from(anAddress()));
    expectProblem(refused, 429, 'too_many_requests');
    expect(refused.headers.get('ratelimit-policy')).toBe('"default";q=100;w=60');
    expect(refused.headers.get('ratelimit')).toMatch(/^"default";r=0;t=[0-9]+$/);
  });
});

describe('twenty new accounts of one address', () => {
  it('make 1,000 calls in a window together; an old account there, and a new one elsewhere, do not feel it', async () => {
    const [attackers, old, elsewhere, late] = await Promise.all([
      Promise.all(upTo(20).map(() => anAccount())),
      anAccount({ ageDays: 8 }),
      anAccount(),
      anAccount(),
    ]);
    const [office, home] = [anAddress(), anAddress()];

    // The window is long, so that it does not end before the calls do.
    await withApi({ RATE_LIMIT_WINDOW_SECONDS: '600' }, async ({ url }) => {
      const answersOf = async (client: Client): Promise<Answer[]> => {
        const answers: Answer[] = [];
        for (const _ of upTo(95)) answers.push(await client.at(url).get('/usage/me', from(office)));
        return answers;
      };
      const answers = (await Promise.all(attackers.map(answersOf))).flat();

      expect([countOf(answers, 200), countOf(answers, 429)]).toEqual([1_000, 900]);
      const refused = await late.at(url).get('/auth/me', from(office));
      expectProblem(refused, 429, 'too_many_requests');
      expect(refused.headers.get('ratelimit')).toBe('"default";r=100;t=600');
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(600);
      const bystanders = [
        old.at(url).get('/auth/me', from(office)),
        elsewhere.at(url).get('/auth/me', from(home)),
        late.at(url).get('/auth/me', from(home)),
        stack.client().at(url).get('//', from(office)),
      ];
      expect((await Promise.all(bystanders)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    });
  });
});

describe('refreshing behind an address that others have used up', () => {
  it('goes on, and so does a logout; a false token counts on the address', async () => {
    const [honest, leaving] = [await anAccount(), await anAccount()];
    const office = anAddress();
    const refresh = (refresh_token: unknown): Promise<Answer> =>
      stack.client().post('/auth/refresh', { refresh_token }, from(office));

    const guesses = await Promise.all(upTo(110).map(() => refresh(honest.refreshToken?.replace(/^.{4}/, 'AAAA'))));
    expect([countOf(guesses, 401), countOf(guesses, 429)]).toEqual([100, 10]);
    expectProblem(await refresh('x'), 429, 'too_many_requests');
    expectProblem(await stack.client().get('//nowhere', from(office)), 429, 'too_many_requests');

    const refreshed = await refresh(honest.refreshToken);
    expect([refreshed.status, refreshed.headers.get('ratelimit')]).toEqual([200, '"default";r=99;t=60']);
    expect((await refresh(refreshed.body['refresh_token'])).status).toBe(200);
    const out = await stack.client().post('/auth/logout', { refresh_token: leaving.refreshToken }, from(office));
    expect(out.status).toBe(204);
    expectProblem(await refresh(leaving.refreshToken), 401, 'bad_refresh_token');
  });

  it('goes on while bodies from there are sent without end', async () => {
    const client = await anAccount();
    const office = anAddress();
    const { hostname, port } = new URL(stack.url(0));
    const sockets = upTo(60).map(() => connect(Number(port), hostname));
    const slow = rawRequest('POST /api/v1/auth/refresh', [
      'Content-Type: application/json',
      'Content-Length: 1000',
      `X-Forwarded-For: ${office}`,
    ]);
    const answered: string[] = [];
    for (const socket of sockets)
      socket.on('data', (data) => void answered.push(data.toString().slice(0, 12))).write(`${slow}{"refresh_token":"`);
    // The first 50 are waited for; those beyond are refused, which shows that they have come.
    await eventually(() => answered.length === 10);
    expect(new Set(answered)).toEqual(new Set(['HTTP/1.1 429']));

    const { status } = await stack.client().post('/auth/refresh', { refresh_token: client.refreshToken }, from(office));

    sockets.forEach((socket) => socket.destroy());
    expect(status).toBe(200);
  });

  it('is limited for each session as requests are for an account', async () => {
    const client = await anAccount();
    const logOut = (): Promise<Answer> =>
      stack.client().post('/auth/logout', { refresh_token: client.refreshToken }, from(anAddress()));
    const answers = await Promise.all(upTo(101).map(logOut));
    expect([countOf(answers, 204), countOf(answers, 429)]).toEqual([100, 1]);
  });
});

describe('registrations from one address', () => {
  it('are 30 in an hour; who registers elsewhere does not feel it', async () => {
    const [school, email] = [anAddress(), anEmail()];
    await register(school, { email });
    const answers = await Promise.all(upTo(33).map(() => register(school)));
    expect([countOf(answers, 201), countOf(answers, 429)]).toEqual([29, 4]);
    const refused = await register(school);
    expectProblem(refused, 429, 'too_many_registrations');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000);
    expectProblem(await register(school, { email: 'x' }), 422, 'validation_failed');
    expect((await register(anAddress())).status).toBe(201);
    expect((await stack.client().post('/auth/login', { email, password: PASSWORD }, from(school))).status).toBe(200);
  });

  it('are counted by the networks of IPv6', async () => {
    const at = (network: number, host: number): string => `2001:db8:5:${network.toString(16)}::${host.toString(16)}`;
    const answers = await Promise.all(upTo(32).map((n) => register(at(0x700, n))));
    expect([countOf(answers, 201), countOf(answers, 429)]).toEqual([30, 2]);
    expect((await register(at(0x701, 1))).status).toBe(201);
  });
});

describe('REGISTRATION', () => {
  it('closed makes no account and tells of none', async () => {
    const email = anEmail();
    await register(anAddress(), { email });
    await withApi({ REGISTRATION: 'closed' }, async (client) => {
      for (const one of [email, anEmail()])
        expectProblem(
          await register(anAddress(), { email: one, invite_code: 'x' }, client),
          403,
          'registration_closed',
        );
      expect((await client.post('/auth/login', { email, password: PASSWORD }, from(anAddress()))).status).toBe(200);
    });
  });

  it('invite asks for a code', async () => {
    await withApi({ REGISTRATION: 'invite' }, async (client) => {
      for (const body of [{}, { invite_code: null }, { invite_code: '' }])
        expectProblem(await register(anAddress(), body, client), 403, 'invite_required');
      expectProblem(await register(anAddress(), { invite_code: 'x' }, client), 403, 'invite_invalid');
      for (const invite_code of [5, 'x'.repeat(65), ['x']])
        expectProblem(await register(anAddress(), { invite_code }, client), 422, 'validation_failed');
    });
  });
});

describe('a proxy that nobody named', () => {
  it('is warned of once, where more than 20 accounts come from one address', async () => {
    const clients = await Promise.all(upTo(24).map(() => anAccount()));
    await withApi({ TRUSTED_PROXIES: '' }, async (at, api) => {
      const warnings = (): number => api.output.split('TRUSTED_PROXIES is empty').length - 1;
      for (const client of clients.slice(0, 20)) await client.at(at.url).get('/auth/me');
      expect(warnings()).toBe(0);
      for (const client of clients) await client.at(at.url).get('/auth/me');
      await eventually(() => warnings() === 1);
      for (const client of clients) await client.at(at.url).get('/auth/me');
      expect(warnings()).toBe(1);
      expect(api.output).not.toContain('127.0.0.1","msg":"More than');
    });
    expect(stack.apis[0]?.output).not.toContain('TRUSTED_PROXIES is empty');
  });
});
