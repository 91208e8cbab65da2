import { randomUUID } from 'node:crypto';
import { eventually, sql, startStack, type Answer, type Client, type Stack } from '@edgechat/testing';
import { expectProblem } from './problems.js';
import { claimsOf } from './tokens.js';

/** Accounts and sessions over two API processes. Each test calls from addresses of its own, since guesses are counted on them. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 1, env: { TRUSTED_PROXIES: '127.0.0.1' } });
});
afterAll(() => stack.close());

const PASSWORD = 'correct horse battery';
const BCRYPT = '$2b$10$L4cDxq/asBot4nNvQAtXyeUEoW/pg8OeKOtsrwfpERWg850kaRhfO';
const ENDS_WITHIN = { withinMs: 5_000 };
const REFUSED = { status: 401, body: { code: 'bad_refresh_token', detail: 'Invalid or expired refresh token' } };
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const anEmail = (): string => `${randomUUID()}@example.com`;

const post = (path: string, body: object, { api = 0, address = '192.0.2.1' } = {}): Promise<Answer> =>
  stack.client(api).post(path, body, { headers: { 'x-forwarded-for': address } });
const refresh = (refresh_token: unknown, api = 0): Promise<Answer> => post('/auth/refresh', { refresh_token }, { api });
const logIn = (email: string, password: string, from: { api?: number; address?: string } = {}): Promise<Answer> =>
  post('/auth/login', { email, password }, from);
const statusesOf = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);

/** A client with the tokens of an answer. */
function holding({ status, body }: Answer, api = 0): Client {
  expect([200, 201]).toContain(status);
  return Object.assign(stack.client(api), {
    token: String(body['access_token']),
    refreshToken: String(body['refresh_token']),
  });
}

/** An account that registered from this address. */
async function anAccount({ email = anEmail(), address = '192.0.2.1' } = {}): Promise<Client> {
  return Object.assign(holding(await post('/auth/register', { email, password: PASSWORD }, { address })), { email });
}

/** The session of these tokens has ended: its refresh token at once, its access token within 5 s, on each API. */
async function expectEnded({ token, refreshToken }: Client): Promise<void> {
  for (const api of [0, 1]) expect(await refresh(refreshToken, api)).toMatchObject(REFUSED);
  for (const api of [0, 1]) {
    const client = Object.assign(stack.client(api), { token });
    await eventually(async () => (await client.get('/auth/me')).status === 401, ENDS_WITHIN);
    expectProblem(await client.get('/auth/me'), 401, 'unauthorized');
  }
}

async function expectAlive({ token }: Client): Promise<void> {
  for (const api of [0, 1])
    expect((await Object.assign(stack.client(api), { token }).get('/auth/me')).status).toBe(200);
}

describe('a refresh token', () => {
  it('gives the next tokens of the same session, over and over, on any API', async () => {
    const client = await anAccount();
    const { sid } = claimsOf(client.token);
    const seen = new Set<unknown>([client.refreshToken]);
    let token: unknown = client.refreshToken;
    for (const n of upTo(6)) {
      const next = holding(await refresh(token, n % 2));
      expect(claimsOf(next.token)['sid']).toBe(sid);
      await expectAlive(next);
      seen.add((token = next.refreshToken));
    }
    expect(seen.size).toBe(7);
  });

  it('that is used again after its successor was used ends the session', async () => {
    const client = await anAccount();
    const first = holding(await refresh(client.refreshToken, 0));
    const second = holding(await refresh(first.refreshToken, 1));
    await expectAlive(second);

    expect(await refresh(client.refreshToken, 0)).toMatchObject(REFUSED);

    await expectEnded(second);
    await expectEnded(first);
    await expectEnded(client);
  });

  it('whose answer was lost may be repeated within 10 s, while its successor is unused', async () => {
    const client = await anAccount();
    const lost = holding(await refresh(client.refreshToken, 0));
    const repeats = await Promise.all(upTo(8).map((n) => refresh(client.refreshToken, n % 2)));

    expect(new Set(repeats.map(({ body }) => body['refresh_token']))).toEqual(new Set([lost.refreshToken]));
    for (const repeat of repeats) {
      expect(claimsOf(holding(repeat).token)['sid']).toBe(claimsOf(client.token)['sid']);
      await expectAlive(holding(repeat));
    }
    await expectAlive(holding(await refresh(repeats[3]?.body['refresh_token'], 1)));
    expect(await refresh(client.refreshToken, 0)).toMatchObject(REFUSED);
  });

  it('used many times at once on two APIs gives every client working tokens of the one session', async () => {
    const client = await anAccount();
    const answers = await Promise.all(upTo(12).map((n) => refresh(client.refreshToken, n % 2)));
    expect(statusesOf(answers)).toEqual(Array(12).fill(200));
    expect(new Set(answers.map(({ body }) => body['refresh_token'])).size).toBe(1);
    await expectAlive(holding(await refresh(answers[0]?.body['refresh_token'])));
  });

  it('that was forged ends nothing', async () => {
    const client = await anAccount();
    const token = String(client.refreshToken);
    const forged = [
      token.slice(0, -1),
      `${token}x`,
      `${token.slice(0, 30)}${token[30] === 'A' ? 'B' : 'A'}${token.slice(31)}`,
      `${token}=`,
      ` ${token}`,
      token.toLowerCase(),
    ];
    for (const one of forged) expect(await refresh(one)).toMatchObject(REFUSED);
    expect((await post('/auth/logout', { refresh_token: forged[2] })).status).toBe(204);
    await expectAlive(holding(await refresh(token, 1)));
  });
});

describe('POST /auth/logout', () => {
  it('ends the session on every API, and no other of the account', async () => {
    const client = await anAccount();
    const other = holding(await logIn(client.email, PASSWORD));
    expect(await post('/auth/logout', { refresh_token: client.refreshToken }, { api: 0 })).toMatchObject({
      status: 204,
      body: { text: '' },
    });
    await expectEnded(client);
    await expectAlive(other);
    expect((await refresh(other.refreshToken, 1)).status).toBe(200);
  });

  it.each(['unknown', '', 'x'.repeat(4_096)])('is 204 too for a token that is none', async (refresh_token) => {
    expect((await post('/auth/logout', { refresh_token })).status).toBe(204);
  });
});

describe('POST /auth/password', () => {
  const change = (client: Client, old_password: string, new_password: string): Promise<Answer> =>
    client.post('/auth/password', { old_password, new_password }, { headers: { 'x-forwarded-for': '192.0.2.1' } });

  it("sets the password, ends all other sessions, and lets the caller's own go on", async () => {
    const client = await anAccount();
    const others = [
      holding(await logIn(client.email, PASSWORD)),
      holding(await logIn(client.email, PASSWORD, { api: 1 })),
    ];

    expect(await change(client, PASSWORD, 'staple correct horse')).toMatchObject({ status: 204, body: { text: '' } });

    for (const other of others) await expectEnded(other);
    await expectAlive(client);
    expect((await refresh(client.refreshToken, 1)).status).toBe(200);
    expect(
      statusesOf([await logIn(client.email, 'staple correct horse', { api: 1 }), await logIn(client.email, PASSWORD)]),
    ).toEqual([200, 401]);
  });

  it('with a wrong old password is 403 and changes nothing', async () => {
    const client = await anAccount();
    const other = holding(await logIn(client.email, PASSWORD));
    expectProblem(await change(client, 'wrong', 'staple correct horse'), 403, 'wrong_password');
    expectProblem(await change(client, PASSWORD, 'short'), 422, 'validation_failed');
    await expectAlive(other);
    expect((await logIn(client.email, PASSWORD)).status).toBe(200);
  });

  it('lets who gave a wrong old password wait, and no login for that', async () => {
    const client = await anAccount();
    const answers = await Promise.all(upTo(10).map(() => change(client, 'wrong', 'staple correct horse')));
    expect(new Set(statusesOf(answers))).toEqual(new Set([403, 429]));
    const refused = answers.find(({ status }) => status === 429)!;
    expectProblem(refused, 429, 'too_many_logins');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await logIn(client.email, PASSWORD)).status).toBe(200);
  });
});

describe('PATCH /auth/me', () => {
  it('sets the name, which every API shows from then on, in old messages too', async () => {
    const client = await anAccount();
    const conversation = await client.conversation({ assistant: 'off' });
    await client.send(conversation, 'hello');
    const display_name = ` Ada 🦊 e\u0301 `;

    const answer = await client.call('PATCH', '/auth/me', { body: { display_name } });

    const other = client.at(stack.url(1));
    expect(answer).toMatchObject({ status: 200, body: { display_name, email: client.email } });
    expect((await other.get('/auth/me')).body).toEqual(answer.body);
    expect((await other.messages(conversation))[0]?.['author_name']).toBe(display_name);
  });

  it('takes no name that shows as another, or as nothing, as a title neither; and nobody else’s default', async () => {
    const [client, other] = [await anAccount(), await anAccount()];
    const me = Number((await client.get('/auth/me')).body['id']);
    const they = Number((await other.get('/auth/me')).body['id']);
    const change = (display_name: string) => client.call('PATCH', '/auth/me', { body: { display_name } });
    const codeOf = (answer: { body: Record<string, unknown> }) =>
      (answer.body['errors'] as { code: string }[])[0]?.code;

    for (const [name, code] of [
      ['Ada\nLovelace', 'deceiving_name'],
      ['\u202eadA', 'deceiving_name'],
      ['\u2800 \u200b', 'invisible_name'],
    ] as const) {
      const refused = [await change(name), await client.post('/chat/conversations', { title: name })];
      expect(refused.map(({ status }) => status)).toEqual([422, 422]);
      expect(refused.map(codeOf)).toEqual([code, code]);
    }
    const taken = [await change(`User ${they}`), await change(`  uSER${they}`)];
    expect(taken.map(codeOf)).toEqual(['anothers_name', 'anothers_name']);
    expect((await change(`User ${me}`)).status).toBe(200);
    expect((await client.post('/chat/conversations', { title: `User ${they}` })).status).toBe(201);
    expect((await change('می\u200cخواهم')).body['display_name']).toBe('می\u200cخواهم');
  });
});

describe('an e-mail address', () => {
  it.each([
    ['Ada.X', 'aDA.x'],
    ['ÄRGER', 'ärger'],
    ['e\u0301lan', '\u00c9LAN'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
  ])('is compared without case and shown as it was given: %s', async (given, typed) => {
    const domain = `${randomUUID()}.example`;
    const client = await anAccount({ email: `${given}@${domain}` });
    expect((await client.get('/auth/me')).body['email']).toBe(`${given}@${domain}`);
    expect((await logIn(`${typed}@${domain.toUpperCase()}`, PASSWORD, { api: 1 })).status).toBe(200);
    expectProblem(
      await post('/auth/register', { email: `${typed}@${domain}`, password: PASSWORD }),
      400,
      'email_taken',
    );
  });
});

describe('an account of the first backend', () => {
  it('logs in with its bcrypt hash, which is replaced', async () => {
    const client = await anAccount();
    const hashOf = async (): Promise<string | undefined> =>
      (
        await sql<{ password_hash: string }>(
          stack.databaseUrl,
          'select password_hash from edgechat.accounts where email = $1',
          [client.email],
        )
      )[0]?.password_hash;
    // bcrypt of `first backend`, as the first backend wrote it: no call of this one makes such a hash.
    await sql(stack.databaseUrl, 'update edgechat.accounts set password_hash = $2 where email = $1', [
      client.email,
      BCRYPT,
    ]);
    expect(
      statusesOf([
        await logIn(client.email, 'first backen', { address: '192.0.2.99' }),
        await logIn(client.email, 'first backend', { api: 1 }),
      ]),
    ).toEqual([401, 200]);
    expect(await hashOf()).toMatch(/^\$argon2id\$/);
    expect(statusesOf([await logIn(client.email, 'first backend'), await logIn(client.email, 'first backen')])).toEqual(
      [200, 401],
    );
  });
});
