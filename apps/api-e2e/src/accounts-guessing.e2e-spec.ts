import { randomUUID } from 'node:crypto';
import { startStack, type Answer, type Client, type Stack } from '@edgechat/testing';
import { expectProblem, oneByOne } from './problems.js';

/** Guessing and floods at the login, over two API processes. Each test has accounts and addresses of its own, since failures are counted on both. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 0, env: { TRUSTED_PROXIES: '127.0.0.1' } });
});
afterAll(() => stack.close());

const PASSWORD = 'correct horse battery';
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const anEmail = (): string => `${randomUUID()}@example.com`;
let used = 0;
const anAddress = (): string => `203.0.${(used += 1)}.7`;
const statusesOf = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);

const logIn = (email: string, password: string, address: string, api = 0): Promise<Answer> =>
  stack.client(api).post('/auth/login', { email, password }, { headers: { 'x-forwarded-for': address } });

/** An account whose owner registered, and so is known, at this address. */
async function anAccount(address: string): Promise<Client> {
  const client = stack.client();
  client.email = anEmail();
  const answer = await client.post(
    '/auth/register',
    { email: client.email, password: PASSWORD },
    { headers: { 'x-forwarded-for': address } },
  );
  client.token = String(answer.body['access_token']);
  return client;
}

const guess = (email: string, times: number, address: () => string): Promise<Answer[]> =>
  oneByOne(upTo(times).map((n) => () => logIn(email, `guess ${n}`, address(), n % 2)));

function expectLockedOut(answer: Answer): void {
  expectProblem(answer, 429, 'too_many_logins');
  const retryAfter = Number(answer.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThan(600);
  expect(retryAfter).toBeLessThanOrEqual(900);
}

describe('guessing a password', () => {
  it('ends after 10 failures of the account, on both APIs and from anywhere, also for who then guesses right', async () => {
    const { email } = await anAccount(anAddress());
    expect(statusesOf(await guess(email, 10, anAddress))).toEqual(Array(10).fill(401));
    expectLockedOut(await logIn(email, 'guess', anAddress(), 0));
    expectLockedOut(await logIn(email, PASSWORD, anAddress(), 1));
    expectLockedOut(await logIn(email.toUpperCase(), PASSWORD, anAddress(), 0));
  });

  it('is refused in the same way for an account that does not exist', async () => {
    const email = anEmail();
    expect(statusesOf(await guess(email, 10, anAddress))).toEqual(Array(10).fill(401));
    expectLockedOut(await logIn(email, PASSWORD, anAddress()));
  });

  it('ends after 50 failures from an address, whatever the accounts, and only there', async () => {
    const [address, home] = [anAddress(), anAddress()];
    const { email } = await anAccount(home);
    const answers = await Promise.all(upTo(50).map((n) => logIn(anEmail(), 'guess', address, n % 2)));
    expect(statusesOf(answers)).toEqual(Array(50).fill(401));
    expectLockedOut(await logIn(email, PASSWORD, address, 1));
    expect((await logIn(email, PASSWORD, anAddress())).status).toBe(200);
  });

  it('at once gets no more tries than one after the other', async () => {
    const { email } = await anAccount(anAddress());
    const address = anAddress();
    const statuses = statusesOf(await Promise.all(upTo(40).map((n) => logIn(email, `guess ${n}`, address, n % 2))));
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(10);
  });

  it('by strangers does not lock out the owner, who has 10 tries of its own at a known address', async () => {
    const home = anAddress();
    const { email } = await anAccount(home);
    await guess(email, 11, anAddress);

    expect((await logIn(email, PASSWORD, home, 1)).status).toBe(200);
    expect(statusesOf(await guess(email, 10, () => home))).toEqual(Array(10).fill(401));
    expectLockedOut(await logIn(email, PASSWORD, home));
  });

  it('counts failures only: what was right is taken back', async () => {
    const { email } = await anAccount(anAddress());
    await guess(email, 9, anAddress);
    const [newHome, another] = [anAddress(), anAddress()];
    expect(statusesOf(await oneByOne(upTo(3).map(() => () => logIn(email, PASSWORD, newHome))))).toEqual([
      200, 200, 200,
    ]);
    expect((await logIn(email, 'guess', another)).status).toBe(401);
    expectLockedOut(await logIn(email, PASSWORD, another));
  });
});

describe('230 logins at once', () => {
  it('stop no other request, and each gets its tokens or a clear refusal', async () => {
    const home = anAddress();
    const client = await anAccount(home);
    const ended: string[] = [];
    const noted = async <T>(what: string, work: Promise<T>): Promise<T> => {
      const result = await work;
      ended.push(what);
      return result;
    };

    const logins = upTo(230).map(() => noted('login', logIn(client.email, PASSWORD, home)));
    const others = await oneByOne(
      upTo(10).flatMap(() => [
        () => noted('other', stack.client().get('/health')),
        () => noted('other', client.get('/auth/me')),
        () => noted('other', client.get('/chat/conversations')),
      ]),
    );
    const answers = await Promise.all(logins);

    expect(statusesOf(others)).toEqual(Array(30).fill(200));
    expect(ended.slice(ended.lastIndexOf('other')).filter((what) => what === 'login').length).toBeGreaterThan(0);
    expect(new Set(statusesOf(answers).filter((status) => ![200, 429, 503].includes(status)))).toEqual(new Set());
    expect(statusesOf(answers).filter((status) => status === 200).length).toBeGreaterThanOrEqual(200);
    for (const answer of answers.filter(({ status }) => status === 503))
      expectProblem(answer, 503, 'service_unavailable');
    expect((await logIn(client.email, PASSWORD, home)).status).toBe(200);
  });
});
