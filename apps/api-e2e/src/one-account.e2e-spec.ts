import { randomUUID } from 'node:crypto';
import { startStack, type Answer, type Stack } from '@edgechat/testing';
import { PASSWORD } from './inputs.js';
import { expectProblem } from './problems.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 0, env: { APP_NAME: 'Our Place' } });
});
afterAll(() => stack.close());

const register = (email: string, password = PASSWORD, api = 0): Promise<Answer> =>
  stack.client(api).post('/auth/register', { email, password });
const logIn = (email: string, password = PASSWORD, api = 1): Promise<Answer> =>
  stack.client(api).post('/auth/login', { email, password });
const anEmail = (domain = 'example.com'): string => `${randomUUID()}@${domain}`;

function expectTooCommon(answer: Answer, field: string): void {
  expectProblem(answer, 422, 'password_too_common');
  expect(answer.body['errors']).toEqual([
    { field: `/${field}`, code: 'too_common', detail: expect.stringContaining('among the first that anybody guesses') },
  ]);
}

describe('a password that anybody guesses first', () => {
  it.each([
    'password',
    'PASSWORD',
    'ｐａｓｓｗｏｒｄ',
    '12345678',
    'Password123',
    'qwertyuiop',
    '        ',
    '\u3000\u00a0 \u2003\t \u200b ',
    'xxxxxxxx',
    '👍🏽'.repeat(8),
    'edgechat',
    'EdgeChat2026',
    'Our Place',
  ])('makes no account: %j', async (password) => {
    const email = anEmail();
    expectTooCommon(await register(email, password), 'password');
    expect((await register(email)).status).toBe(201);
  });

  it('is the own address, for its owner alone', async () => {
    const local = randomUUID();
    const email = `${local}@example.com`;
    for (const password of [local, local.toUpperCase(), email])
      expectTooCommon(await register(email, password), 'password');
    expect((await register(anEmail(), local)).status).toBe(201);
  });

  it('is linear work, however long it is', async () => {
    const long = ['क' + '\u0951'.repeat(1_023), '\ufdfa'.repeat(1_023) + 'x', `${'a\u200b'.repeat(511)}bc`];
    for (const password of long) expect((await register(anEmail(), password)).status).toBe(201);
  });

  it('replaces none, and is asked of nobody who logs in', async () => {
    const client = await stack.client().register();
    const change = (old_password: string, new_password: string): Promise<Answer> =>
      client.post('/auth/password', { old_password, new_password });
    expectTooCommon(await change(PASSWORD, 'password1'), 'new_password');
    expectTooCommon(await change('wrong', client.email), 'new_password');
    expect((await logIn(client.email)).status).toBe(200);
    expectProblem(await logIn(client.email, 'password1'), 401, 'bad_credentials');
    expect((await change(PASSWORD, 'a fine new password 8')).status).toBe(204);
  });
});

describe('a password with an accent', () => {
  it('is the same from every keyboard, and no other', async () => {
    const [composed, spelled] = ['noël à la crème', 'noe\u0308l\u00a0a\u0300 la\u3000cre\u0300me'];
    for (const [given, typed] of [
      [composed, spelled],
      [spelled, composed],
    ] as const) {
      const email = anEmail();
      expect((await register(email, given)).status).toBe(201);
      expect((await logIn(email, typed)).status).toBe(200);
      expect((await logIn(email, given, 0)).status).toBe(200);
      expectProblem(await logIn(email, 'noel a la creme'), 401, 'bad_credentials');
    }
  });

  it('has as many characters as were sent', async () => {
    expectProblem(await register(anEmail(), 'crème b'), 422, 'validation_failed');
    expect((await register(anEmail(), 'cre\u0300me b')).status).toBe(201);
  });
});

describe('an address at an international domain', () => {
  const SPELLINGS = ['bücher.example', 'xn--bcher-kva.example', 'ｂücher.example', 'BU\u0308CHER.Example'];

  it.each(SPELLINGS)('is one account, registered at %s', async (domain) => {
    const local = randomUUID();
    const registered = await register(`${local}@${domain}`);
    expect(registered.status).toBe(201);
    const me = await stack.client().register();
    const id = Number((await stack.client().call('GET', '/auth/me', bearer(registered))).body['id']);

    for (const spelling of SPELLINGS) {
      const email = `${local}@${spelling}`;
      expectProblem(await register(email, PASSWORD, 1), 400, 'email_taken');
      expect((await logIn(email)).status).toBe(200);
      const { body } = await me.get(`/accounts?email=${encodeURIComponent(email)}`);
      expect(body['accounts']).toMatchObject([{ id }]);
    }
    const { body } = await stack.client(1).call('GET', '/auth/me', bearer(registered));
    expect(body['email']).toBe(`${local}@${domain}`);
    for (const other of ['bucher.example', 'buecher.example'])
      expect((await register(`${local}@${other}`)).status).toBe(201);
  });

  it('is one account of registrations in all spellings at once', async () => {
    const local = randomUUID();
    const answers = await Promise.all(SPELLINGS.map((domain, n) => register(`${local}@${domain}`, PASSWORD, n % 2)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400]);
  });
});

const bearer = ({ body }: Answer) => ({ headers: { authorization: `Bearer ${String(body['access_token'])}` } });
