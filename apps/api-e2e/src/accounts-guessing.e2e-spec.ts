import { randomUUID } from 'node:crypto';
import { eventually, startStack, type Answer, type Client, type Stack } from '@edgechat/testing';
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

/** Refused, and told to come again in as many seconds. */
function expectToWait(answer: Answer, fromS: number, toS = fromS): void {
  expectProblem(answer, 429, 'too_many_logins');
  const retryAfter = Number(answer.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThanOrEqual(fromS);
  expect(retryAfter).toBeLessThanOrEqual(toS);
}

/** The answer of a login that is tried until it is not told to wait any longer. */
async function logInPatiently(email: string, password: string, address: string): Promise<Answer> {
  const answers: Answer[] = [];
  const isTried = async (): Promise<boolean> => {
    const answer = await logIn(email, password, address);
    return answer.status !== 429 && answers.push(answer) > 0;
  };
  await eventually(isTried, { withinMs: 30_000 });
  return answers[0]!;
}

describe('guessing a password', () => {
  it('has to wait after each failure, on both APIs; who then is right gets in, and has nothing to wait for', async () => {
    const { email } = await anAccount(anAddress());
    const address = anAddress();
    for (const guess of ['one', 'two', 'three']) expect((await logInPatiently(email, guess, address)).status).toBe(401);
    expectToWait(await logIn(email.toUpperCase(), PASSWORD, address, 1), 1, 4);

    expect((await logIn(email, PASSWORD, anAddress())).status).toBe(200);
    expect((await logInPatiently(email, PASSWORD, address)).status).toBe(200);
    expect((await logIn(email, 'guess', address)).status).toBe(401);
  });

  it('is refused in the same way for an account that does not exist', async () => {
    const [{ email }, nobody] = [await anAccount(anAddress()), anEmail()];
    const told = async (name: string): Promise<unknown[]> => {
      const address = anAddress();
      const answers = await Promise.all(upTo(10).map((n) => logIn(name, `guess ${n}`, address)));
      return [401, 429].map((wanted) => {
        const { status, body, headers } = answers.find((answer) => answer.status === wanted)!;
        return [status, body['code'], body['detail'], [...headers.keys()].toSorted()];
      });
    };
    const both = await Promise.all([told(email), told(nobody)]);
    expect(both[0]).toEqual(both[1]);
  });

  it('ends after 50 failures from an address, whatever the accounts, and only there, and not for who is known there', async () => {
    const [address, home] = [anAddress(), anAddress()];
    const [neighbour, { email }] = [await anAccount(address), await anAccount(home)];
    const answers = await Promise.all(upTo(50).map((n) => logIn(anEmail(), 'guess', address, n % 2)));
    expect(statusesOf(answers)).toEqual(Array(50).fill(401));
    expectToWait(await logIn(email, PASSWORD, address, 1), 600, 900);
    expect((await logIn(neighbour.email, PASSWORD, address)).status).toBe(200);
    expect((await logIn(email, PASSWORD, anAddress())).status).toBe(200);
  });

  it('at once gets few tries', async () => {
    const { email } = await anAccount(anAddress());
    const address = anAddress();
    const statuses = statusesOf(await Promise.all(upTo(40).map((n) => logIn(email, `guess ${n}`, address, n % 2))));
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(5);
  });

  it('from 110 new addresses ends after 100 on that day; the owner gets in at a known one, and another account everywhere', async () => {
    const home = anAddress();
    const [{ email }, other] = [await anAccount(home), await anAccount(anAddress())];
    const statuses = statusesOf(await Promise.all(upTo(110).map((n) => logIn(email, 'guess', anAddress(), n % 2))));
    expect([401, 429].map((status) => statuses.filter((one) => one === status).length)).toEqual([100, 10]);

    const address = anAddress();
    expectToWait(await logIn(email, PASSWORD, address), 1, 86_400);
    expect((await logIn(email, PASSWORD, home, 1)).status).toBe(200);
    expect((await logIn(other.email, PASSWORD, address)).status).toBe(200);
  });

  it('counts failures only: what was right is taken back', async () => {
    const { email } = await anAccount(anAddress());
    const newHome = anAddress();
    const right = await oneByOne(upTo(3).map(() => () => logIn(email, PASSWORD, newHome)));
    expect(statusesOf(right)).toEqual([200, 200, 200]);
  });
});

describe('300 logins of unknown names at once', () => {
  it('keep out neither who is known, nor who logs in from elsewhere, nor who registers', async () => {
    const [home, flooding] = [anAddress(), upTo(10).map(anAddress)];
    const [{ email }, neighbour] = [await anAccount(home), await anAccount(String(flooding[0]))];
    const flood = upTo(300).map((n) => logIn(anEmail(), 'guess', String(flooding[n % 10])));
    const bystanders = await Promise.all([
      logIn(email, PASSWORD, home),
      logIn(neighbour.email, PASSWORD, String(flooding[0])),
      logIn(email, PASSWORD, anAddress()),
    ]);
    await anAccount(anAddress());

    expect(statusesOf(bystanders)).toEqual([200, 200, 200]);
    const statuses = statusesOf(await Promise.all(flood));
    expect(new Set(statuses.filter((status) => ![401, 429].includes(status)))).toEqual(new Set([503]));
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
