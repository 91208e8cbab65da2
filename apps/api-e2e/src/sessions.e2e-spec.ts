import { randomUUID } from 'node:crypto';
import { eventually, sql, startStack, type Answer, type Client, type Json, type Stack } from '@edgechat/testing';
import { expectProblem } from './problems.js';
import { claimsOf } from './tokens.js';

/** Where an account is logged in, and how that ends, over two API processes. */
const OLD = 'the old secret of thirty-two bytes or more';
const NEW = 'the new secret of thirty-two bytes or more';
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 0, env: { JWT_SECRET: OLD } });
});
afterAll(() => stack.close());

const PASSWORD = 'a fine old password 7';
const BETTER = 'an even finer password 8';
const REFUSED = { status: 401, body: { code: 'bad_refresh_token' } };
const ENDS_WITHIN = { withinMs: 5_000 };
const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** A client with the tokens of an answer. */
function holding({ status, body }: Answer, api = 0): Client {
  expect([200, 201]).toContain(status);
  return Object.assign(stack.client(api), {
    token: String(body['access_token']),
    refreshToken: String(body['refresh_token']),
  });
}

const anAccount = (): Promise<Client> => stack.client().register(`${randomUUID()}@example.com`, PASSWORD);
const logIn = async ({ email }: Client, password = PASSWORD, api = 0): Promise<Client> =>
  Object.assign(holding(await stack.client(api).post('/auth/login', { email, password }), api), { email });
const refresh = ({ refreshToken }: Client, api = 0): Promise<Answer> =>
  stack.client(api).post('/auth/refresh', { refresh_token: refreshToken });
const sidOf = ({ token }: Client): string => String(claimsOf(token)['sid']);
const sessionsOf = async (client: Client, api = 0): Promise<Json[]> => {
  const answer = await client.at(stack.url(api)).get('/auth/sessions');
  expect([answer.status, Object.keys(answer.body)]).toEqual([200, ['sessions']]);
  return answer.body['sessions'] as Json[];
};
const end = (client: Client, id: string, api = 0): Promise<Answer> =>
  client.at(stack.url(api)).call('DELETE', `/auth/sessions/${id}`);
const change = (client: Client, prefer?: string): Promise<Answer> =>
  client.post(
    '/auth/password',
    { old_password: PASSWORD, new_password: BETTER },
    prefer === undefined ? {} : { headers: { prefer } },
  );
/** The last refresh of a session was so many seconds earlier. */
const pass = (client: Client, seconds: number): Promise<unknown> =>
  sql(
    stack.databaseUrl,
    'update edgechat.sessions set rotated_at = rotated_at - make_interval(secs => $2::float8) where id = $1::uuid',
    [sidOf(client), seconds],
  );

/** The session of these tokens has ended: its refresh token at once, its access token within 5 s, on each API. */
async function expectEnded(client: Client): Promise<void> {
  for (const api of [0, 1]) expect(await refresh(client, api)).toMatchObject(REFUSED);
  for (const api of [0, 1]) {
    const there = client.at(stack.url(api));
    await eventually(async () => (await there.get('/auth/me')).status === 401, ENDS_WITHIN);
    expectProblem(await there.get('/auth/me'), 401, 'unauthorized');
  }
}

async function expectAlive(client: Client): Promise<void> {
  for (const api of [0, 1]) expect((await client.at(stack.url(api)).get('/auth/me')).status).toBe(200);
}

describe('GET /auth/sessions', () => {
  it('lists where one is logged in, the session used last first, and says which is this one', async () => {
    const mine = await anAccount();
    const other = await logIn(mine, PASSWORD, 1);
    await anAccount();
    await expectAlive(other);
    await mine.get('/auth/me');

    const seen = await sessionsOf(mine, 1);
    expect(seen).toEqual(
      [mine, other].map((client) => ({
        id: sidOf(client),
        created_at: INSTANT,
        last_used_at: INSTANT,
        expires_at: INSTANT,
        is_current: client === mine,
      })),
    );
    expect((await sessionsOf(other)).map((one) => one['is_current'])).toEqual([false, true]);
    const [{ created_at, last_used_at, expires_at } = {} as Json] = seen;
    expect(Date.parse(last_used_at)).toBeGreaterThanOrEqual(Date.parse(created_at));
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBeLessThanOrEqual(7 * 86_400_000 + 60_000);
  });

  it('has 50 at most: the next login ends the one used least recently', async () => {
    const mine = await anAccount();
    const oldest = await logIn(mine);
    await sql(
      stack.databaseUrl,
      `insert into edgechat.sessions (id, account_id, generation, token_hash, rotated_at, expires_at)
       select gen_random_uuid(), account_id, 1, '\\x00', clock_timestamp(), expires_at
       from edgechat.sessions, generate_series(1, 48) where id = $1::uuid`,
      [sidOf(mine)],
    );
    await pass(oldest, 3_600);
    await expectAlive(mine);
    expect(await sessionsOf(mine)).toHaveLength(50);

    const newest = await logIn(mine);

    await expectEnded(oldest);
    const ids = (await sessionsOf(newest, 1)).map(({ id }) => String(id));
    expect(ids).toHaveLength(50);
    expect(ids).toEqual(expect.arrayContaining([sidOf(mine), sidOf(newest)]));
    await expectAlive(mine);
  });
});

describe('DELETE /auth/sessions/{id}', () => {
  it('ends one session, and no other', async () => {
    const mine = await anAccount();
    const [lost, other] = [await logIn(mine), await logIn(mine, PASSWORD, 1)];
    for (const client of [lost, other]) await expectAlive(client);

    expect(await end(mine, sidOf(lost))).toMatchObject({ status: 204, body: { text: '' } });

    await expectEnded(lost);
    for (const client of [mine, other]) await expectAlive(client);
    expect((await refresh(other)).status).toBe(200);
  });

  it('of this session is a logout', async () => {
    const mine = await anAccount();
    const other = await logIn(mine);
    expect((await end(mine, sidOf(mine), 1)).status).toBe(204);
    await expectEnded(mine);
    await expectAlive(other);
  });

  it('knows no session of others, none that ended, and no text that is none', async () => {
    const [mine, stranger] = [await anAccount(), await anAccount()];
    const lost = await logIn(mine);
    await end(mine, sidOf(lost));
    for (const id of [
      sidOf(stranger),
      sidOf(lost),
      randomUUID(),
      'x',
      sidOf(mine).toUpperCase(),
      '%00',
      '0'.repeat(5_000),
    ])
      expectProblem(await end(mine, id), 404, 'session_not_found');
    for (const client of [mine, stranger]) await expectAlive(client);
  });
});

it('DELETE /auth/sessions ends all sessions of the account but this one, and may be repeated', async () => {
  const mine = await anAccount();
  const others = [await logIn(mine), await logIn(mine, PASSWORD, 1)];
  const stranger = await anAccount();
  for (const client of [stranger, ...others]) await expectAlive(client);

  for (const api of [0, 1])
    expect(await mine.at(stack.url(api)).call('DELETE', '/auth/sessions')).toMatchObject({
      status: 204,
      body: { text: '' },
    });

  for (const other of others) await expectEnded(other);
  expect((await sessionsOf(mine)).map(({ id }) => id)).toEqual([sidOf(mine)]);
  for (const client of [mine, stranger]) await expectAlive(client);
});

describe('POST /auth/password', () => {
  it('with Prefer: return=representation gives the tokens of a new session, and ends the old one and all others', async () => {
    const mine = await anAccount();
    const copy = Object.assign(mine.at(stack.url(1)), {});
    const other = await logIn(mine, PASSWORD, 1);
    for (const client of [copy, other]) await expectAlive(client);

    const answer = await change(mine, 'respond-async, return=representation');

    expect(answer).toMatchObject({ status: 200, body: { token_type: 'bearer' } });
    expect(answer.headers.get('preference-applied')).toBe('return=representation');
    const anew = holding(answer);
    expect(sidOf(anew)).not.toBe(sidOf(mine));
    for (const client of [copy, other]) await expectEnded(client);
    await expectAlive(anew);
    await expectAlive(holding(await refresh(anew, 1)));
    expect((await sessionsOf(anew)).map(({ id }) => id)).toEqual([sidOf(anew)]);
    await expectAlive(await logIn(mine, BETTER));
  });

  it.each([undefined, 'return=minimal', 'respond-async'])('with %s lets the session go on', async (prefer) => {
    const mine = await anAccount();
    const answer = await change(mine, prefer);
    expect(answer).toMatchObject({ status: 204, body: { text: '' } });
    expect(answer.headers.has('preference-applied')).toBe(false);
    await expectAlive(mine);
    expect((await refresh(mine)).status).toBe(200);
  });
});

describe('a refresh whose answer was lost', () => {
  it('is given again for an hour, as long as the client has nothing else', async () => {
    const mine = await anAccount();
    await expectAlive(mine);
    const lost = holding(await refresh(mine, 0));
    await pass(mine, 59 * 60);

    const again = holding(await refresh(mine, 1));

    expect(again.refreshToken).toBe(lost.refreshToken);
    await expectAlive(again);
    await expectAlive(holding(await refresh(again)));
  });

  it('is not given to a second holder 7 minutes later, once the first one has made a call', async () => {
    const mine = await anAccount();
    const first = holding(await refresh(mine, 0));
    expect((await first.get('/auth/me')).status).toBe(200);
    await pass(mine, 7 * 60);

    expect(await refresh(mine, 1)).toMatchObject(REFUSED);

    await expectEnded(first);
  });

  it('is given to two tabs that refresh at once, though one of them goes on already', async () => {
    const mine = await anAccount();
    const tab = holding(await refresh(mine, 0));
    await expectAlive(tab);
    const other = holding(await refresh(mine, 1));
    expect(other.refreshToken).toBe(tab.refreshToken);
    await expectAlive(other);
  });
});

it('JWT_SECRET is replaced in rolling restarts: nobody is logged out in any step', async () => {
  const mine = await anAccount();
  const step = async (api: number, env: Record<string, string>): Promise<void> => {
    await stack.apis[api]?.stop();
    await stack.apis[api]?.start(env);
  };
  let client = mine;
  for (const env of [
    { JWT_SECRET: OLD, JWT_SECRET_PREVIOUS: NEW },
    { JWT_SECRET: NEW, JWT_SECRET_PREVIOUS: OLD },
  ])
    for (const api of [0, 1]) {
      await step(api, env);
      await expectAlive(client);
      client = holding(await refresh(client, api));
      await expectAlive(client);
      client = holding(await refresh(client, 1 - api));
      await expectAlive(client);
    }
  client = holding(await refresh(client));
  for (const api of [0, 1]) {
    await step(api, { JWT_SECRET: NEW });
    await expectAlive(client);
  }
  expect(sidOf(client)).toBe(sidOf(mine));
  expectProblem(await mine.get('/auth/me'), 401, 'unauthorized');
});
