import { sql, startStack, type Answer, type Client, type Stack } from '@edgechat/testing';
import { expectProblem } from './problems.js';
import { idOf, someAccounts } from './scene.js';
import { claimsOf } from './tokens.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 1, env: { STRANGERS_PER_DAY: '10000' } });
});
afterAll(() => stack.close());

const CONVERSATIONS = '/chat/conversations';
const run = (text: string, ...values: unknown[]) => sql(stack.databaseUrl, text, values);
const group = (client: Client, member_ids: readonly number[], key?: string): Promise<Answer> =>
  client.post(
    CONVERSATIONS,
    { kind: 'group', assistant: 'off', member_ids },
    { headers: key === undefined ? {} : { 'idempotency-key': key } },
  );
const direct = (client: Client, member: number): Promise<Answer> =>
  client.post(CONVERSATIONS, { kind: 'direct', member_ids: [member] });

describe('an attacker who names everybody', () => {
  it('guesses ids from 1 on and is told nothing: one error for the list, which says nothing of its items', async () => {
    const attacker = await stack.client().register();
    const mine = await idOf(attacker);
    const upwards = Array.from({ length: 999 }, (_, n) => n + 1);
    const near = Array.from({ length: 999 }, (_, n) => mine + n - 500);

    for (const list of [upwards, near, [...upwards, mine]]) {
      const answer = await group(attacker, list);
      expectProblem(answer, 422, 'unknown_account');
      expect(answer.body['errors']).toEqual([
        {
          field: '/member_ids',
          code: 'unknown_account',
          detail: 'member_ids names an account that does not exist.',
        },
      ]);
    }
  });

  it('knows their ids and takes in 50 at most in the first hour, on all APIs together; a bystander goes on with whom they know', async () => {
    const attacker = await stack.client(0).register();
    const there = attacker.at(stack.url(1));
    const [bystander, friend] = [await stack.client(0).register(), await stack.client(1).register()];
    const [bystanderId, friendId] = [await idOf(bystander), await idOf(friend)];
    const everybody = [bystanderId, friendId, ...(await someAccounts(stack, 900))];
    const { body: talk } = await direct(friend, bystanderId);
    await friend.send(talk['id'], 'hello');
    const before = (await bystander.get(CONVERSATIONS)).body;

    const answer = await group(attacker, everybody, 'all');
    expectProblem(answer, 429, 'too_many_strangers');
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(3_600);
    expect((await bystander.get(CONVERSATIONS)).body).toEqual(before);
    expect((await attacker.get(CONVERSATIONS)).body['conversations']).toEqual([]);

    const some = (n: number): number[] => everybody.slice(n * 10, n * 10 + 10);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => group(n % 2 ? there : attacker, some(n + 1), `${n}`)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    for (const { status, body } of answers.filter((one) => one.status !== 201))
      expect([status, body['code']]).toEqual([429, 'too_many_strangers']);
    expectProblem(await direct(there, everybody[200]!), 429, 'too_many_strangers');

    // Repeats are never refused, and take nothing.
    const made = answers.findIndex(({ status }) => status === 201);
    const repeat = await group(there, some(made + 1), `${made}`);
    expect([repeat.status, repeat.body['id']]).toEqual([200, answers[made]?.body['id']]);

    // The bystander used up their own, and their friends are no strangers.
    const crowd = await bystander.conversation({ kind: 'group', member_ids: everybody.slice(300, 350) });
    expectProblem(await direct(bystander, everybody[400]!), 429, 'too_many_strangers');
    expect((await direct(bystander, friendId)).body['id']).toBe(talk['id']);
    expect((await bystander.post(`${CONVERSATIONS}/${crowd}/members`, { account_ids: [friendId] })).status).toBe(200);
    expectProblem(
      await bystander.post(`${CONVERSATIONS}/${crowd}/members`, { account_ids: [friendId, everybody[401]] }),
      429,
      'too_many_strangers',
    );
    expect((await group(bystander, [friendId])).status).toBe(201);
  });
});

describe('an account whose id needs 53 bits', () => {
  it('is the same number in every body, list, page and token', async () => {
    const id = 2 ** 53 - 1;
    const ada = await stack.client().register();
    await run(
      `insert into edgechat.accounts (id, email, email_key, password_hash) select $1, 'large@example.com', 'large@example.com', password_hash from edgechat.accounts where id = $2`,
      id,
      await idOf(ada),
    );
    const large = stack.client(1);
    const { body: tokens } = await large.post('/auth/login', {
      email: 'large@example.com',
      password: 'correct horse battery',
    });
    large.token = String(tokens['access_token']);

    expect(claimsOf(large.token)['sub']).toBe('9007199254740991');
    expect((await large.get('/auth/me')).body).toMatchObject({
      id,
      sub: '9007199254740991',
      display_name: 'User 9007199254740991',
    });
    const { body: talk } = await direct(ada, id);
    const path = `${CONVERSATIONS}/${String(talk['id'])}`;
    const { body: sent } = await large.send(talk['id'], 'a word of mine');
    expect(sent['user_message']).toMatchObject({ author_id: id, author_name: 'User 9007199254740991' });
    expect((await ada.messages(talk['id']))[0]).toMatchObject({ author_id: id });
    expect((await ada.get(CONVERSATIONS)).body['conversations'][0]).toMatchObject({ last_message: { author_id: id } });
    expect((await ada.get(`/search?author_id=${id}`)).body['hits'][0].message).toMatchObject({ author_id: id });
    const page = await ada.get(`${path}/members?limit=1`);
    const rest = await ada.get(`${path}/members?limit=1&cursor=${String(page.body['next_cursor'])}`);
    expect(rest.body['members']).toMatchObject([{ account_id: id }]);
    const crowd = await ada.conversation({ kind: 'group', member_ids: [id] });
    const role = await ada.call('PATCH', `${CONVERSATIONS}/${crowd}/members/${id}`, { body: { role: 'owner' } });
    expect(role.body).toMatchObject({ account_id: id, role: 'owner' });
    expect((await ada.call('DELETE', `${CONVERSATIONS}/${crowd}/members/${id}`)).status).toBe(403);
  });

  it('is what a new one has: a whole number of 33 bits or more', async () => {
    const ids = await Promise.all([1, 2, 3].map(async () => idOf(await stack.client().register())));
    for (const id of ids) expect([Number.isSafeInteger(id), id >= 2 ** 32]).toEqual([true, true]);
  });
});
