import { randomBytes } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { accountId, newReplyId, Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { eventually, inProcess, ownStores, sql, storeCallsOf, type OwnStores } from '@edgechat/testing';
import { DailyUse } from '@edgechat/usage';
import type { ConversationKind } from './domain/conversation.js';
import type { SentMessage } from './domain/message.js';
import { ConversationsModule } from './conversations.module.js';
import { prepareMessages } from './persistence/prepare-messages.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { SendMessage } from './use-cases/send-message.js';

const MIB = 1_048_576;
let stores: OwnStores;
const processes: INestApplicationContext[] = [];
let limited: INestApplicationContext;
beforeAll(async () => {
  stores = await ownStores();
  limited = await aProcess({ TEXT_MB_PER_DAY: '1', AI_TOKENS_PER_DAY: '100' });
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
});
afterAll(async () => {
  for (const process of processes) await process.close();
  await stores.close();
});

async function aProcess(env: Readonly<Record<string, string>>): Promise<INestApplicationContext> {
  const process = await inProcess(stores, [ConversationsModule], env);
  processes.push(process);
  return process;
}
const run = <Row extends object>(text: string, ...values: unknown[]): Promise<Row[]> =>
  sql(stores.env.DATABASE_URL, text, values);
async function anAccount(age = '2 days'): Promise<AccountId> {
  const name = randomBytes(8).toString('hex');
  const [row] = await run<{ id: string }>(
    `insert into edgechat.accounts (email, email_key, password_hash, created_at) values ($1, $1, '', clock_timestamp() - $2::interval) returning id`,
    name,
    age,
  );
  return accountId(Number(row?.id));
}
const aConversation = async (
  creator: AccountId,
  assistant: 'always' | 'mention' | 'off' = 'off',
  kind: ConversationKind = 'assistant',
): Promise<ConversationId> =>
  (
    await limited
      .get(CreateConversation)
      .create({ creator, kind, title: null, assistant, memberIds: [], clientKey: null })
  ).id;
const send = (
  conversationId: ConversationId,
  authorId: AccountId,
  content: string,
  clientKey: string | null = null,
  process = limited,
): Promise<SentMessage> =>
  process.get(SendMessage).send({
    by: 'person',
    conversationId,
    authorId,
    clientKey,
    content,
    replyId: newReplyId(),
    answerWithinMs: 60_000,
  });
/** What became of a send: `sent`, `replayed`, or the code of its refusal. */
const outcomeOf = (sending: Promise<SentMessage>): Promise<string> =>
  sending.then(
    ({ isReplay }) => (isReplay ? 'replayed' : 'sent'),
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  );
const count = (outcomes: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(outcomes)].map((one) => [one, outcomes.filter((other) => other === one).length]));
const use = (account: AccountId, textBytes: number, tokens: number): Promise<unknown> =>
  run(
    `insert into edgechat.daily_use values ($1, (clock_timestamp() at time zone 'UTC')::date, $2, $3)
     on conflict (account_id, day) do update set text_bytes = excluded.text_bytes, tokens = excluded.tokens`,
    account,
    textBytes,
    tokens,
  );
const rowsOf = (table: string, id: ConversationId): Promise<object[]> =>
  run(`select * from edgechat.${table} where conversation_id = $1`, id);
const replyOf = (id: ConversationId): Promise<object[]> =>
  run('select status, failure_code, retry_after_s, epoch from edgechat.replies where conversation_id = $1', id);

describe('the text of a day', () => {
  it('is exact within a process: of 50 sends at once into 50 conversations go as many as fit, whatever is written meanwhile', async () => {
    const account = await anAccount();
    const ids = await Promise.all(Array.from({ length: 50 }, () => aConversation(account)));
    const text = 'x'.repeat(MIB / 20);

    const outcomes = await Promise.all(ids.map((id) => outcomeOf(send(id, account, text))));

    expect(count(outcomes)).toEqual({ sent: 20, storage_exhausted: 30 });
    const kept = await run<{ bytes: number }>(
      'select sum(bytes)::int as bytes from edgechat.messages where author = $1',
      account,
    );
    expect(kept).toEqual([{ bytes: 20 * text.length }]);
  });

  it('is exact while counts are being written: sends one after the other, for as long as two writes take', async () => {
    const account = await anAccount();
    const id = await aConversation(account);
    const text = 'x'.repeat(MIB / 64);
    const outcomes: string[] = [];
    const writes = (): number => limited.get(DailyUse, { strict: false }).writesSoFar ?? 0;
    const before = writes();
    for (let n = 0; n < 64; n += 1) {
      outcomes.push(await outcomeOf(send(id, account, text)));
      if (n === 30) await eventually(() => writes() > before);
    }
    expect(count(outcomes)).toEqual({ sent: 64 });
    expect(await outcomeOf(send(id, account, 'x'))).toBe('storage_exhausted');
  });

  it('is counted in bytes of UTF-8, and nothing is kept of what is refused: no number, no key, no answer owed', async () => {
    const account = await anAccount();
    const id = await aConversation(account, 'always');
    await use(account, MIB - 6, 0);

    expect(await outcomeOf(send(id, account, 'क'.repeat(3), 'key'))).toBe('storage_exhausted');
    expect(await Promise.all(['messages', 'outbox', 'replies'].map((table) => rowsOf(table, id)))).toEqual([
      [],
      [],
      [],
    ]);
    expect(await send(id, account, 'क'.repeat(2), 'key')).toMatchObject({ seq: 1, isReplay: false });
    expect(await outcomeOf(send(id, account, 'x'))).toBe('storage_exhausted');
  });

  it('says when to come back: at midnight UTC', async () => {
    const account = await anAccount();
    const id = await aConversation(account);
    await use(account, MIB, 0);
    const refusal: unknown = await send(id, account, 'x').catch((error: unknown) => error);
    const toMidnight = 86_400 - ((Date.now() / 1_000) % 86_400);
    expect(Math.abs(Number((refusal as Refusal).options.retryAfterS) - toMidnight)).toBeLessThan(60);
  });

  it('refuses no repeat, and counts none', async () => {
    const account = await anAccount();
    const id = await aConversation(account);
    const text = 'x'.repeat(600_000);
    const first = await send(id, account, text, 'key');

    const repeats = await Promise.all(Array.from({ length: 20 }, () => send(id, account, text, 'key')));

    expect(repeats.map(({ id: message, isReplay }) => [message, isReplay])).toEqual(Array(20).fill([first.id, true]));
    expect(limited.get(DailyUse, { strict: false }).pendingOf(account).textBytes).toBeLessThanOrEqual(600_000);
    expect(await outcomeOf(send(id, account, 'x'.repeat(MIB - 600_000)))).toBe('sent');
    expect(await outcomeOf(send(id, account, text, 'key'))).toBe('replayed');
    expect(await outcomeOf(send(id, account, 'x'))).toBe('storage_exhausted');
  });

  it('takes one message of a key that comes twice at once, though two would be too many', async () => {
    const account = await anAccount();
    const id = await aConversation(account);
    const text = 'x'.repeat(600_000);
    const outcomes = await Promise.all([1, 2].map(() => outcomeOf(send(id, account, text, 'twice'))));
    expect(outcomes.sort()).toEqual(['replayed', 'sent']);
  });

  it('is judged again when the sends before it came to nothing', async () => {
    const account = await anAccount();
    const id = await aConversation(account);
    await use(account, MIB - 10, 0);
    const outcomes = await Promise.all([
      outcomeOf(send(id, account, 'x'.repeat(500))),
      outcomeOf(send(id, account, 'small')),
    ]);
    expect(outcomes).toEqual(['storage_exhausted', 'sent']);
  });

  it('of one account takes nothing from another, in one batch and in one conversation', async () => {
    const [full, other] = [await anAccount(), await anAccount()];
    const id = await aConversation(full, 'off', 'group');
    await run(`insert into edgechat.members (conversation_id, account_id, role) values ($1, $2, 'member')`, id, other);
    await use(full, MIB, 0);

    const outcomes = await Promise.all(
      [full, other, full, other].map((author) => outcomeOf(send(id, author, 'hello'))),
    );

    expect(outcomes).toEqual(['storage_exhausted', 'sent', 'storage_exhausted', 'sent']);
    expect(await run('select seq::int from edgechat.messages where conversation_id = $1 order by seq', id)).toEqual([
      { seq: 1 },
      { seq: 2 },
    ]);
  });

  it('ends with the day', async () => {
    const account = await anAccount();
    const id = await aConversation(account);
    await use(account, MIB, 0);
    expect(await outcomeOf(send(id, account, 'x'))).toBe('storage_exhausted');
    await run('update edgechat.daily_use set day = day - 1 where account_id = $1', account);
    expect(await outcomeOf(send(id, account, 'x'))).toBe('sent');
  });

  it('of two processes is late by one write and no more', async () => {
    const account = await anAccount();
    const id = await aConversation(account);
    const other = await aProcess({ TEXT_MB_PER_DAY: '1' });
    const text = 'x'.repeat(700_000);
    expect(await outcomeOf(send(id, account, text))).toBe('sent');
    await limited.get(DailyUse, { strict: false }).flush();
    expect(await outcomeOf(send(id, account, text, null, other))).toBe('storage_exhausted');
  });

  it.each([
    ['0', 'storage_exhausted'],
    ['unlimited', 'sent'],
  ])('of %s MiB: %s', async (most, outcome) => {
    const account = await anAccount();
    const id = await aConversation(account);
    const process = await aProcess({ TEXT_MB_PER_DAY: most });
    await use(account, 10 * MIB, 0);
    expect(await outcomeOf(send(id, account, 'x', null, process))).toBe(outcome);
  });

  it('costs a send no further call of a store, refused or not', async () => {
    const account = await anAccount();
    const id = await aConversation(account);
    expect(await storeCallsOf(() => send(id, account, 'x'))).toEqual([
      'postgres conversations.send_messages',
      'mongo messages.put',
      'redis bell',
    ]);
    await use(account, MIB, 0);
    await limited.get(DailyUse, { strict: false }).flush();
    expect(await storeCallsOf(() => outcomeOf(send(id, account, 'x')))).toEqual([
      'postgres conversations.send_messages',
    ]);
  });
});

describe('the tokens of a day, used up', () => {
  it('refuse a question whose sender would wait for the answer, and keep nothing of it', async () => {
    const account = await anAccount();
    const id = await aConversation(account, 'always');
    await use(account, 0, 100);
    expect(await outcomeOf(send(id, account, 'question', 'key'))).toBe('budget_exhausted');
    expect(await Promise.all(['messages', 'outbox', 'replies'].map((table) => rowsOf(table, id)))).toEqual([
      [],
      [],
      [],
    ]);
    await use(account, 0, 99);
    expect(await send(id, account, 'question', 'key')).toMatchObject({ seq: 1, reply: { status: 'queued' } });
  });

  it.each<[string, ConversationKind, 'always' | 'mention']>([
    ['a group where each message is answered', 'group', 'always'],
    ['a group where it is mentioned', 'group', 'mention'],
    ['a conversation of one person where it is mentioned', 'assistant', 'mention'],
  ])('keep the message and fail its reply where nobody waits: %s', async (_, kind, mode) => {
    const account = await anAccount();
    const id = await aConversation(account, mode, kind);
    await use(account, 0, 100);

    const calls = await storeCallsOf(async () =>
      expect(await send(id, account, '@assistant well?')).toMatchObject({ seq: 1, reply: { status: 'failed' } }),
    );

    // Only news for the index, and for inboxes, is in a queue: nobody is asked for an answer.
    expect(calls.filter((call) => call === 'redis bell')).toHaveLength(1);
    expect(await replyOf(id)).toEqual([
      { status: 'failed', failure_code: 'budget_exhausted', retry_after_s: expect.any(Number), epoch: 1 },
    ]);
  });

  it('touch no message that asks nothing', async () => {
    const account = await anAccount();
    const [off, group] = [await aConversation(account), await aConversation(account, 'mention', 'group')];
    await use(account, 0, 100);
    for (const id of [off, group]) expect(await send(id, account, 'hello')).toMatchObject({ seq: 1, reply: null });
  });

  it('refuse no repeat: one that is done is replayed, one that failed is failed for this, and asked anew once there are tokens', async () => {
    const account = await anAccount();
    const id = await aConversation(account, 'always');
    await send(id, account, 'question', 'key');
    await use(account, 0, 100);
    expect(await send(id, account, 'question', 'key')).toMatchObject({ isReplay: true, reply: { status: 'queued' } });

    await run(
      `update edgechat.replies set status = 'failed', failure_code = 'ai_failed' where conversation_id = $1`,
      id,
    );
    expect(await send(id, account, 'question', 'key')).toMatchObject({ isReplay: true, reply: { status: 'failed' } });
    expect(await replyOf(id)).toMatchObject([{ status: 'failed', failure_code: 'budget_exhausted' }]);

    await use(account, 0, 99);
    expect(await send(id, account, 'question', 'key')).toMatchObject({ isReplay: true, reply: { status: 'queued' } });
    expect(await replyOf(id)).toMatchObject([{ status: 'queued', failure_code: null, retry_after_s: null }]);
    await use(account, 0, 100);
    await run(`update edgechat.replies set status = 'done', answer_seq = 2 where conversation_id = $1`, id);
    expect(await send(id, account, 'question', 'key')).toMatchObject({ isReplay: true, reply: { status: 'done' } });
  });

  it('are a tenth in the first hour of an account, of which the refusal says the rest', async () => {
    const [young, old] = [await anAccount('50 minutes'), await anAccount('2 hours')];
    const outcomes: unknown[] = [];
    for (const account of [young, old]) {
      await use(account, 0, 10);
      const id = await aConversation(account, 'always');
      outcomes.push(await send(id, account, 'question').catch((error: unknown) => error));
    }
    expect(outcomes).toMatchObject([{ code: 'budget_exhausted' }, { seq: 1 }]);
    expect((outcomes[0] as Refusal).options.retryAfterS).toBeLessThanOrEqual(600);
  });

  it('come back with the day', async () => {
    const account = await anAccount();
    const id = await aConversation(account, 'always');
    await use(account, 0, 100);
    expect(await outcomeOf(send(id, account, 'question'))).toBe('budget_exhausted');
    await run('update edgechat.daily_use set day = day - 1 where account_id = $1', account);
    expect(await outcomeOf(send(id, account, 'question'))).toBe('sent');
  });

  it.each([
    ['0', 'budget_exhausted'],
    ['unlimited', 'sent'],
  ])('of %s: %s', async (most, outcome) => {
    const account = await anAccount();
    const id = await aConversation(account, 'always');
    const process = await aProcess({ AI_TOKENS_PER_DAY: most, TEXT_MB_PER_DAY: 'unlimited' });
    if (most === 'unlimited') await use(account, 0, 1_000_000);
    expect(await outcomeOf(send(id, account, 'question', null, process))).toBe(outcome);
  });

  it('are nothing to the release before, whose question the worker judges in words that it knows', async () => {
    const account = await anAccount();
    const id = await aConversation(account, 'always');
    await use(account, 0, 100);
    const [row] = await run<{ outcome: string; reply_status: string }>(
      'select outcome, reply_status from edgechat.send_messages($1::json, null)',
      JSON.stringify([
        {
          n: 0,
          conversation_id: id,
          author: account,
          client_key: null,
          content: 'x',
          content_hash: 'x',
          message_id: newReplyId(),
          reply_id: newReplyId(),
          answer_within_ms: 1_000,
          mentions_assistant: false,
        },
      ]),
    );
    expect(row).toEqual({ outcome: 'sent', reply_status: 'queued' });
    expect(await run('select knows_budgets from edgechat.replies where conversation_id = $1', id)).toEqual([
      { knows_budgets: false },
    ]);
  });
});
