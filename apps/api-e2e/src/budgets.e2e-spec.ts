import { eventually, sql, startStack, type Answer, type Client, type Json, type Stack } from '@edgechat/testing';
import { expectProblem } from './problems.js';
import { idOf } from './scene.js';

/** What an account may use in a day (UTC): 1 MiB of text, 1,000 tokens. Accounts are two days old here, unless it says otherwise. */
const MIB = 1_048_576;
const TOKENS = 1_000;
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 2, env: { TEXT_MB_PER_DAY: '1', AI_TOKENS_PER_DAY: String(TOKENS) } });
});
afterAll(() => stack.close());

interface Account {
  readonly id: number;
  readonly client: Client;
}
const run = <Row extends object>(text: string, ...values: unknown[]): Promise<Row[]> =>
  sql(stack.databaseUrl, text, values);
async function anAccount(age = '2 days'): Promise<Account> {
  const client = await stack.client().register();
  const id = await idOf(client);
  await run('update edgechat.accounts set created_at = created_at - $2::interval where id = $1', id, age);
  return { id, client };
}
/** Has an account used this much today, on whatever API. */
const use = (id: number, { bytes = 0, tokens = 0 }): Promise<unknown> =>
  run(
    `insert into edgechat.daily_use values ($1, (clock_timestamp() at time zone 'UTC')::date, $2, $3)
     on conflict (account_id, day) do update set text_bytes = excluded.text_bytes, tokens = excluded.tokens`,
    id,
    bytes,
    tokens,
  );
const messageCount = async (client: Client, id: string): Promise<unknown> =>
  (await client.get(`/chat/conversations/${id}`)).body['message_count'];
const asked = (words: string): number =>
  stack.provider.requests().filter(({ question }) => question.includes(words)).length;
const replyIn = (id: string): Promise<object[]> =>
  run('select status, failure_code from edgechat.replies where conversation_id = $1 order by question_seq', id);
const retryAfterOf = ({ headers }: Answer): number => Number(headers.get('retry-after'));
const toMidnight = (): number => 86_400 - ((Date.now() / 1_000) % 86_400);
const expectUntilMidnight = (answer: Answer): void =>
  expect(Math.abs(retryAfterOf(answer) - toMidnight())).toBeLessThan(60);

describe('TEXT_MB_PER_DAY', () => {
  /** Signs are in no index, whose share would be counted too. */
  const BIG = '!'.repeat(32_000);

  it('lets an account send that much on one API, and then nothing on any: 429 storage_exhausted until midnight, and nothing is kept', async () => {
    const { client } = await anAccount();
    const id = await client.conversation({ assistant: 'off' });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => client.send(id, BIG, `key ${n}`)));

    const sent = answers.filter(({ status }) => status === 200);
    expect(sent).toHaveLength(Math.floor(MIB / BIG.length));
    const refused = answers.filter(({ status }) => status !== 200);
    for (const answer of refused) {
      expectProblem(answer, 429, 'storage_exhausted');
      expectUntilMidnight(answer);
      expect(answer.body['user_message']).toBeUndefined();
    }
    expect(await messageCount(client, id)).toBe(sent.length);

    // What one process counted the other knows once it was written.
    const there = client.at(stack.url(1));
    const elsewhere = await eventually(async () => {
      const answer = await there.send(id, BIG);
      return answer.status === 429 && answer;
    });
    expectProblem(elsewhere, 429, 'storage_exhausted');
  });

  it('refuses no repeat: 200 with the same message, however much was used', async () => {
    const { id: account, client } = await anAccount();
    const id = await client.conversation({ assistant: 'off' });
    const first = await client.send(id, 'hello', 'key');
    await use(account, { bytes: MIB });

    const repeats = await Promise.all(Array.from({ length: 10 }, () => client.send(id, 'hello', 'key')));

    expect(repeats.map(({ status }) => status)).toEqual(Array(10).fill(200));
    for (const { headers, body } of repeats)
      expect([headers.get('idempotency-replayed'), body]).toEqual(['true', first.body]);
    // The key of what was refused is free: no message has it.
    expectProblem(await client.send(id, 'too much', 'other key'), 429, 'storage_exhausted');
    await use(account, { bytes: 0 });
    const after = await client.send(id, 'other words', 'other key');
    expect([after.status, after.headers.get('idempotency-replayed')]).toEqual([200, null]);
    expect(await messageCount(client, id)).toBe(2);
  });

  it('begins anew with the day', async () => {
    const { id: account, client } = await anAccount();
    const id = await client.conversation({ assistant: 'off' });
    await use(account, { bytes: MIB });
    expectProblem(await client.send(id, 'hello'), 429, 'storage_exhausted');
    await run('update edgechat.daily_use set day = day - 1 where account_id = $1', account);
    expect((await client.send(id, 'hello')).status).toBe(200);
  });
});

describe('AI_TOKENS_PER_DAY', () => {
  it('counts what answers used, in and out', async () => {
    const { id: account, client } = await anAccount();
    expect((await client.send(await client.conversation(), 'how much is it?')).status).toBe(200);
    expect((await client.post('/ai/complete', { prompt: 'and this?' })).status).toBe(200);

    const [row] = await run<{ n: number }>(
      'select sum(tokens_in + tokens_out)::int as n from edgechat.answer_usage where account_id = $1',
      account,
    );
    expect(row?.n).toBeGreaterThan(0);
    await eventually(async () => {
      const [used] = await run<{ n: number }>(
        'select tokens::int as n from edgechat.daily_use where account_id = $1',
        account,
      );
      return used?.n === row?.n;
    });
  });

  it('used up, a send that would wait for its answer is 429 budget_exhausted, and nothing is kept or asked', async () => {
    const { id: account, client } = await anAccount();
    const id = await client.conversation();
    await use(account, { tokens: TOKENS });

    const answer = await client.send(id, 'beyond the budget', 'key');

    expectProblem(answer, 429, 'budget_exhausted');
    expectUntilMidnight(answer);
    expect(answer.body['user_message']).toBeUndefined();
    expect([await messageCount(client, id), asked('beyond the budget')]).toEqual([0, 0]);
    await use(account, { tokens: TOKENS - 1 });
    expect((await client.send(id, 'within the budget', 'key')).status).toBe(200);
  });

  it('used up, /ai/complete is 429 budget_exhausted, and nobody is asked', async () => {
    const { id: account, client } = await anAccount();
    await use(account, { tokens: TOKENS });
    const answer = await client.post('/ai/complete', { prompt: 'a prompt too many' });
    expectProblem(answer, 429, 'budget_exhausted');
    expectUntilMidnight(answer);
    expect(asked('a prompt too many')).toBe(0);
  });

  it('used up, a group keeps the message, whose reply is failed; nobody is asked, and others still are answered', async () => {
    const [ada, bob] = [await anAccount(), await anAccount()];
    const group = await ada.client.conversation({ kind: 'group', assistant: 'mention', member_ids: [bob.id] });
    await use(ada.id, { tokens: TOKENS });

    const answer = await ada.client.send(group, '@assistant hello from who used it up', 'key');

    expect([answer.status, answer.body]).toMatchObject([
      200,
      { user_message: { seq: 1 }, model_message: null, reply: { id: expect.any(String), status: 'failed' } },
    ]);
    const { failure } = answer.body['reply'];
    expect(failure).toMatchObject({ code: 'budget_exhausted' });
    expect(Math.abs(failure.retry_after_s - toMidnight())).toBeLessThan(60);
    expect(await replyIn(group)).toEqual([{ status: 'failed', failure_code: 'budget_exhausted' }]);
    const repeat = await ada.client.send(group, '@assistant hello from who used it up', 'key');
    expect([repeat.status, repeat.body]).toMatchObject([
      200,
      { user_message: { seq: 1 }, reply: { status: 'failed', failure: { code: 'budget_exhausted' } } },
    ]);
    expect((await bob.client.get(`/chat/conversations/${group}/messages/1`)).body['reply'].failure).toMatchObject({
      code: 'budget_exhausted',
    });

    expect((await bob.client.send(group, '@assistant and me?')).body['reply'].status).toBe('queued');
    await eventually(async () => (await bob.client.messages(group)).some(({ role }: Json) => role === 'model'));
    expect(asked('hello from who used it up')).toBe(0);
  });

  it('used up, a repeat is never refused: an answer that is there is given, one that failed is 429 with the kept message and is not asked for', async () => {
    const { id: account, client } = await anAccount();
    const id = await client.conversation();
    const first = await client.send(id, 'answered before', 'one');
    expectProblem(await client.send(id, 'failed before [[empty x1]]', 'two'), 503, 'ai_failed');
    await use(account, { tokens: TOKENS });

    const [done, failed] = [
      await client.send(id, 'answered before', 'one'),
      await client.send(id, 'failed before [[empty x1]]', 'two'),
    ];

    expect([done.status, done.body]).toEqual([200, first.body]);
    expectProblem(failed, 429, 'budget_exhausted');
    expectUntilMidnight(failed);
    expect(failed.body['user_message']).toMatchObject({ seq: 3, content: 'failed before [[empty x1]]' });
    expect(asked('failed before')).toBe(1);
    await use(account, { tokens: 0 });
    expect((await client.send(id, 'failed before [[empty x1]]', 'two')).status).toBe(200);
  });

  it('used up while questions wait, those are failed with it, not asked, and their senders told so', async () => {
    const { id: account, client } = await anAccount();
    const ids = await Promise.all(Array.from({ length: 8 }, () => client.conversation()));

    const sending = ids.map((id) => client.send(id, 'waits for its turn [[slow 1500]]'));
    await eventually(() => asked('waits for its turn') === 4);
    await use(account, { tokens: TOKENS });
    const answers = await Promise.all(sending);

    const statuses = answers.map(({ status, body }) => `${status} ${body['code'] ?? ''}`).sort();
    expect(statuses).toEqual([...Array(4).fill('200 '), ...Array(4).fill('429 budget_exhausted')]);
    for (const answer of answers.filter(({ status }) => status === 429))
      expect(answer.body['user_message']).toMatchObject({ seq: 1 });
    expect(asked('waits for its turn')).toBe(4);
  });

  it('is a tenth in the first hour of an account', async () => {
    const [young, old] = [await anAccount('50 minutes'), await anAccount('70 minutes')];
    for (const { id } of [young, old]) await use(id, { tokens: TOKENS / 10 });

    const [refused, answered] = await Promise.all(
      [young, old].map(async ({ client }) => client.send(await client.conversation(), 'hello')),
    );

    expectProblem(refused!, 429, 'budget_exhausted');
    expect(retryAfterOf(refused!)).toBeLessThanOrEqual(600);
    expect(answered?.status).toBe(200);
  });
});
