import type { INestApplicationContext } from '@nestjs/common';
import {
  ConversationsModule,
  CreateConversation,
  prepareMessages,
  SendMessage,
  StaleReply,
} from '@edgechat/conversations';
import { accountId, newReplyId, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Postgres } from '@edgechat/platform/postgres';
import { inProcess, ownStores, sql, storeCallsOf, type OwnStores } from '@edgechat/testing';
import { AssistantWorkerModule } from './assistant-worker.module.js';
import { Replies, type Claim } from './persistence/replies.js';

let stores: OwnStores;
let process: INestApplicationContext;
let replies: Replies;
const ada = accountId(1);
const bob = accountId(2);
const PER_ACCOUNT = 2;
/** What a run costs that called nobody. */
const NOTHING = { calls: 0, bill: null };

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [ConversationsModule, AssistantWorkerModule]);
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.accounts (id, email, email_key, password_hash) values (1, 'a', 'a', ''), (2, 'b', 'b', '')`,
  );
  replies = process.get(Replies, { strict: false });
});
beforeEach(() =>
  sql(stores.env.DATABASE_URL, `update edgechat.replies set status = 'failed' where status in ('queued', 'running')`),
);
afterAll(async () => {
  await process.close();
  await stores.close();
});

const aConversation = async (creator: AccountId = ada): Promise<ConversationId> =>
  (
    await process
      .get(CreateConversation, { strict: false })
      .create({ creator, kind: 'assistant', title: null, assistant: 'always', memberIds: [], clientKey: null })
  ).id;
const ask = (conversationId: ConversationId, authorId: AccountId = ada, answerWithinMs = 60_000) =>
  process.get(SendMessage, { strict: false }).send({
    by: 'person',
    conversationId,
    authorId,
    clientKey: null,
    content: 'question',
    replyId: newReplyId(),
    answerWithinMs,
  });
const claim = (id: ConversationId): Promise<Claim> => replies.claim(id, PER_ACCOUNT);
async function claimed(id: ConversationId) {
  const result = await claim(id);
  if (result.status !== 'mine') throw new Error(`expected to get the reply, but: ${result.status}`);
  return result.reply;
}
const answer = (reply: Awaited<ReturnType<typeof claimed>>, content = 'answer') =>
  process.get(SendMessage, { strict: false }).send({
    by: 'assistant',
    conversationId: reply.conversationId,
    replyId: reply.id,
    questionSeq: reply.questionSeq,
    epoch: reply.epoch,
    content,
    provider: 'test',
    model: 'm',
    tokensIn: 1,
    tokensOut: 1,
    finishReason: 'stop',
  });
const expireLeases = (): Promise<unknown> =>
  sql(
    stores.env.DATABASE_URL,
    `update edgechat.replies set lease_until = clock_timestamp() - interval '1 second' where status = 'running'`,
  );

describe('guarantee 5: one answer', () => {
  it('is given to one of many workers that ask at once, lowest question first', async () => {
    const id = await aConversation();
    await ask(id);
    await ask(id);

    const claims = await Promise.all(Array.from({ length: 10 }, () => claim(id)));

    const mine = claims.flatMap((one) => (one.status === 'mine' ? [one.reply.questionSeq] : []));
    expect(mine).toEqual([1]);
    expect(await claim(id)).toEqual({ status: 'none' });
  });

  it('is claimed at the cost of its own conversation, however many there are', async () => {
    await sql(
      stores.env.DATABASE_URL,
      `insert into edgechat.conversations (id, kind, assistant, last_seq, member_count) select gen_random_uuid(), 'assistant', 'always', 0, 1 from generate_series(1, 1000)`,
    );
    await sql(stores.env.DATABASE_URL, 'analyze edgechat.conversations');
    const id = await aConversation();
    await ask(id);
    const read = {
      name: 'test.read',
      text: `select coalesce(idx_tup_fetch, 0)::int as n from pg_stat_xact_user_tables where schemaname = 'edgechat' and relname = 'conversations'`,
    };

    const [before, claim, after] = await process.get(Postgres, { strict: false }).transaction(async (own) => {
      const count = async (): Promise<number> => (await own.query<{ n: number }>(read))[0]?.n ?? NaN;
      return [await count(), await new Replies(own as unknown as Postgres).claim(id, PER_ACCOUNT), await count()];
    });

    expect(claim.status).toBe('mine');
    expect(after - before).toBeLessThan(10);
  });

  it('cannot be written by a run whose reply was taken over, and is charged once', async () => {
    const id = await aConversation();
    await ask(id);
    const slow = await claimed(id);
    await expireLeases();
    const second = await claimed(id);

    await answer(second, 'of the second run');
    await expect(answer(slow, 'of the first run')).resolves.toMatchObject({ isReplay: true, seq: 2 });

    const usage = await sql(stores.env.DATABASE_URL, 'select 1 from edgechat.answer_usage where conversation_id = $1', [
      id,
    ]);
    expect(usage).toHaveLength(1);
  });

  it('cannot be written by a run that gave its reply back', async () => {
    const id = await aConversation();
    await ask(id);
    const first = await claimed(id);
    await replies.giveBack(first, NOTHING);

    await expect(answer(first)).rejects.toThrow(StaleReply);
  });

  it('is one, and the same for both, when its run appends twice', async () => {
    const id = await aConversation();
    await ask(id);
    const reply = await claimed(id);

    const [one, other] = await Promise.all([answer(reply), answer(reply)]);

    expect([one.seq, other.seq]).toEqual([2, 2]);
    expect([one.isReplay, other.isReplay].sort()).toEqual([false, true]);
  });

  it('does not come from a run of an older epoch that fails late', async () => {
    const id = await aConversation();
    await ask(id);
    const slow = await claimed(id);
    await expireLeases();
    await claimed(id);

    await replies.fail(slow, { code: 'ai_failed', retryAfterS: null, isInputCut: false, ...NOTHING });

    const [row] = await sql<{ status: string }>(
      stores.env.DATABASE_URL,
      'select status from edgechat.replies where conversation_id = $1',
      [id],
    );
    expect(row?.status).toBe('running');
  });
});

describe('a reply', () => {
  it('is claimed with the kind of its conversation in one round trip', async () => {
    const id = await aConversation();
    await ask(id);

    expect(await storeCallsOf(async () => expect(await claimed(id)).toMatchObject({ kind: 'assistant' }))).toEqual([
      'postgres replies.claim',
    ]);
  });

  it('waits while its account has as many running as it may, and others go on', async () => {
    const [one, two, three, ofBob] = [
      await aConversation(),
      await aConversation(),
      await aConversation(),
      await aConversation(bob),
    ];
    for (const id of [one, two, three]) await ask(id);
    await ask(ofBob, bob);

    const claims = await Promise.all([one, two, three].map(claim));

    expect(claims.map(({ status }) => status).sort()).toEqual(['mine', 'mine', 'waits']);
    expect((await claim(ofBob)).status).toBe('mine');
  });

  it('is ended as failed, not begun, once its time is over', async () => {
    const id = await aConversation();
    await ask(id, ada, 1);
    await new Promise((resolve) => setTimeout(resolve, 5));

    expect((await claim(id)).status).toBe('ended');
    expect(await claim(id)).toEqual({ status: 'none' });
  });

  it("keeps its lease as long as it is renewed, and its holder is told when it is another's", async () => {
    const id = await aConversation();
    await ask(id);
    const mine = await claimed(id);

    expect(await replies.renew([mine])).toEqual(new Set([mine.id]));
    await expireLeases();
    await claimed(id);
    expect(await replies.renew([mine])).toEqual(new Set());
  });

  it('is found by the relay when it waits too long, or its worker is gone', async () => {
    const [waiting, abandoned, fresh] = [await aConversation(), await aConversation(), await aConversation()];
    for (const id of [waiting, abandoned, fresh]) await ask(id);
    await sql(
      stores.env.DATABASE_URL,
      'update edgechat.replies set next_at = clock_timestamp() where conversation_id = $1',
      [waiting],
    );
    await claimed(abandoned);
    await expireLeases();

    expect(new Set(await replies.listDue())).toEqual(new Set([waiting, abandoned]));
  });
});
