import { randomBytes, randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { completionKey } from '@edgechat/contracts';
import {
  ConversationsModule,
  CreateConversation,
  prepareMessages,
  SendMessage,
  type ConversationKind,
} from '@edgechat/conversations';
import { accountId, newReplyId, Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Redis } from '@edgechat/platform/redis';
import { inProcess, ownStores, sql, startProviderServer, type OwnStores, type ProviderServer } from '@edgechat/testing';
import { DailyUse } from '@edgechat/usage';
import { AssistantModule } from './assistant.module.js';
import { AssistantWorkerModule } from './assistant-worker.module.js';
import { AskCompletion } from './use-cases/ask-completion.js';
import { CompletePrompt } from './use-cases/complete-prompt.js';
import { ReplyToMessage } from './use-cases/reply-to-message.js';

let stores: OwnStores;
let provider: ProviderServer;
let process: INestApplicationContext;
const signal = new AbortController().signal;

beforeAll(async () => {
  stores = await ownStores();
  provider = await startProviderServer();
  process = await inProcess(stores, [ConversationsModule, AssistantModule, AssistantWorkerModule], {
    AI_PROVIDER: 'openai',
    OPENAI_BASE_URL: provider.baseUrls.openai,
    AI_TOKENS_PER_DAY: '1000',
  });
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
});
afterAll(async () => {
  await process.close();
  await provider.stop();
  await stores.close();
});

const get = <T>(type: abstract new (...args: never[]) => T): T => process.get(type, { strict: false });
const run = <Row extends object>(text: string, ...values: unknown[]): Promise<Row[]> =>
  sql(stores.env.DATABASE_URL, text, values);
async function anAccount(): Promise<AccountId> {
  const name = randomBytes(8).toString('hex');
  const [row] = await run<{ id: string }>(
    `insert into edgechat.accounts (email, email_key, password_hash, created_at) values ($1, $1, '', clock_timestamp() - interval '2 days') returning id`,
    name,
  );
  return accountId(Number(row?.id));
}
const use = (account: AccountId, tokens: number): Promise<unknown> =>
  run(
    `insert into edgechat.daily_use values ($1, (clock_timestamp() at time zone 'UTC')::date, 0, $2)
     on conflict (account_id, day) do update set tokens = excluded.tokens`,
    account,
    tokens,
  );
async function ask(account: AccountId, content: string, kind: ConversationKind = 'group'): Promise<ConversationId> {
  const { id } = await get(CreateConversation).create({
    creator: account,
    kind,
    title: null,
    assistant: 'always',
    memberIds: [],
    clientKey: null,
  });
  await get(SendMessage).send({
    by: 'person',
    conversationId: id,
    authorId: account,
    clientKey: null,
    content,
    replyId: newReplyId(),
    answerWithinMs: 60_000,
  });
  return id;
}
const replyOf = (id: ConversationId): Promise<object[]> =>
  run('select status, failure_code from edgechat.replies where conversation_id = $1', id);
const charged = (account: AccountId): Promise<{ tokens: number | null }[]> =>
  run('select sum(tokens_in + tokens_out)::int as tokens from edgechat.answer_usage where account_id = $1', account);
const asked = (words: string): number => provider.requests().filter(({ question }) => question.includes(words)).length;
const complete = async (account: AccountId, prompt: string): Promise<unknown> => {
  const completionId = randomUUID();
  const deadlineAt = new Date(Date.now() + 60_000).toISOString();
  await get(CompletePrompt).run({ completionId, accountId: account, prompt, deadlineAt }, signal);
  const redis = get(Redis);
  return JSON.parse(String(await redis.run('test', (client) => client.get(redis.key(completionKey(completionId))))));
};

describe('the tokens of a day', () => {
  it('count what answers and completions used, in and out, as it is charged', async () => {
    const account = await anAccount();
    await get(ReplyToMessage).run(await ask(account, 'how much is this?'), signal);
    await complete(account, 'and this?');

    const [{ tokens } = { tokens: null }] = await charged(account);
    expect(tokens).toBeGreaterThan(0);
    expect(await get(DailyUse).getUse(account)).toMatchObject({ tokens, retryAfterS: null });
  });

  it.each<ConversationKind>(['group', 'assistant'])(
    'that were used up after a question was queued have no model called: its reply fails, nothing is charged (%s)',
    async (kind) => {
      const account = await anAccount();
      const words = `queued before, in kind ${kind}`;
      const id = await ask(account, words, kind);
      await use(account, 1_000);

      await get(ReplyToMessage).run(id, signal);

      expect(await replyOf(id)).toEqual([{ status: 'failed', failure_code: 'budget_exhausted' }]);
      expect([asked(words), await charged(account)]).toEqual([0, [{ tokens: null }]]);
    },
  );

  it('are judged by what this process counted and has not written yet', async () => {
    const account = await anAccount();
    const id = await ask(account, 'queued while the last answer was made');
    get(DailyUse).countTokens(account, 1_000);

    await get(ReplyToMessage).run(id, signal);

    expect(await replyOf(id)).toEqual([{ status: 'failed', failure_code: 'budget_exhausted' }]);
    expect(asked('while the last answer was made')).toBe(0);
  });

  it('let only what runs already go beyond: of 20 questions queued at once, with one token left, the first is answered', async () => {
    const account = await anAccount();
    const ids: ConversationId[] = [];
    for (let n = 0; n < 20; n += 1) ids.push(await ask(account, `one of twenty: ${n}`));
    await use(account, 999);

    for (const id of ids) await get(ReplyToMessage).run(id, signal);

    const replies = (await Promise.all(ids.map(replyOf))).flat();
    expect(replies).toEqual([
      { status: 'done', failure_code: null },
      ...Array.from({ length: 19 }, () => ({ status: 'failed', failure_code: 'budget_exhausted' })),
    ]);
    expect(asked('one of twenty')).toBe(1);
  });

  it('refuse a prompt, before a worker is asked and in the worker', async () => {
    const account = await anAccount();
    await use(account, 1_000);
    const asking = get(AskCompletion).ask(
      { accountId: account, prompt: 'a prompt too many', requestId: 'r' },
      new Date(Date.now() + 5_000),
      signal,
    );
    await expect(asking).rejects.toMatchObject({ code: 'budget_exhausted' });
    await expect(asking).rejects.toBeInstanceOf(Refusal);

    // To an API of the release before, which reads no `reason`, a quota is used up.
    expect(await complete(account, 'a prompt too many')).toEqual({
      status: 'failed',
      code: 'ai_quota_exceeded',
      reason: 'budget_exhausted',
      failure: 'budget_exhausted',
      retryAfterS: expect.any(Number),
      isInputCut: false,
    });
    expect([asked('a prompt too many'), await charged(account)]).toEqual([0, [{ tokens: null }]]);
  });

  it('fail what was asked through the release before in a code that it knows', async () => {
    const account = await anAccount();
    const id = await ask(account, 'from before');
    await run('update edgechat.replies set knows_budgets = false where conversation_id = $1', id);
    await use(account, 1_000);

    await get(ReplyToMessage).run(id, signal);

    expect(await replyOf(id)).toEqual([{ status: 'failed', failure_code: 'ai_quota_exceeded' }]);
  });
});
