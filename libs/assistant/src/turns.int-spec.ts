import type { INestApplicationContext } from '@nestjs/common';
import { JOBS, replyToMessage } from '@edgechat/contracts';
import { ConversationsModule, CreateConversation, prepareMessages, SendMessage } from '@edgechat/conversations';
import { accountId, newId, newReplyId, repeat, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Bell, JobRunner, type Handlers } from '@edgechat/platform/queue';
import { eventually, inProcess, ownStores, sql, startProviderServer, type OwnStores } from '@edgechat/testing';
import { AssistantModule } from './assistant.module.js';
import { AssistantWorkerModule } from './assistant-worker.module.js';
import { Replies } from './persistence/replies.js';
import { AnswerPlaces, answerJobsAtOnce } from './use-cases/answer-places.js';
import { AskCompletion } from './use-cases/ask-completion.js';
import { CompletePrompt } from './use-cases/complete-prompt.js';
import { ReplyToMessage } from './use-cases/reply-to-message.js';

const PLACES = 4;
const latecomer = accountId(7);
const { signal } = new AbortController();

let stores: OwnStores;
let provider: Awaited<ReturnType<typeof startProviderServer>>;
let process: INestApplicationContext;
let places: AnswerPlaces;
let relay: ReturnType<typeof repeat>;

beforeAll(async () => {
  stores = await ownStores();
  provider = await startProviderServer();
  process = await inProcess(stores, [ConversationsModule, AssistantModule, AssistantWorkerModule], {
    AI_PROVIDER: 'openai',
    OPENAI_BASE_URL: provider.baseUrls.openai,
    AI_CONCURRENCY: String(PLACES),
    AI_CONCURRENCY_RESERVED: '1',
    AI_CONCURRENCY_PER_ACCOUNT: '4',
  });
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.accounts (id, email, email_key, password_hash) select n, n::text, n::text, '' from generate_series(1, 100) n`,
  );
  places = process.get(AnswerPlaces, { strict: false });
  const runner = process.get(JobRunner, { strict: false });
  const nothing = (): Promise<void> => Promise.resolve();
  const handlers: Handlers = {
    'conversations.store-messages': nothing,
    'conversations.fan-out-messages': nothing,
    'search.index-messages': nothing,
    'conversations.purge-conversation': nothing,
    'assistant.reply-to-message': ({ conversationId }, stop) =>
      process.get(ReplyToMessage, { strict: false }).run(conversationId, stop),
    'assistant.complete-prompt': (asked, stop) => process.get(CompletePrompt, { strict: false }).run(asked, stop),
  };
  runner.start(Object.values(JOBS), handlers, { deliveries: 1, replies: answerJobsAtOnce(PLACES), purges: 1 });
  relay = repeat(1_000, ringForDue, () => undefined);
});
afterAll(async () => {
  await relay.stop();
  await process.get(JobRunner, { strict: false }).stop(2_000);
  await process.close();
  await provider.stop();
  await stores.close();
});

const get = <T>(type: abstract new (...args: never[]) => T): T => process.get(type, { strict: false });
const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** As the worker's relay does. */
async function ringForDue(): Promise<void> {
  const due = await get(Replies).listDue();
  await get(Bell).add(
    due.map((conversationId) => ({ job: replyToMessage, payload: { conversationId }, requestId: null })),
  );
}

/** Takes a place for an account until it is told to give it back. */
function hold(account: AccountId): () => void {
  let free = (): void => undefined;
  void places.run(account, () => new Promise<void>((resolve) => (free = resolve)), signal);
  return () => free();
}

/** Prompts outside of conversations, each named after who asks and the how manieth it is. */
const complete = (account: AccountId, name: string): Promise<unknown> =>
  get(AskCompletion).ask(
    { accountId: account, prompt: name, requestId: newId() },
    new Date(Date.now() + 60_000),
    signal,
  );

const aConversation = async (creator: AccountId): Promise<ConversationId> =>
  (
    await get(CreateConversation).create({
      creator,
      kind: 'assistant',
      title: null,
      assistant: 'always',
      memberIds: [],
      clientKey: null,
    })
  ).id;

/** A question in a conversation of its own. */
async function ask(authorId: AccountId, content: string): Promise<void> {
  await get(SendMessage).send({
    by: 'person',
    conversationId: await aConversation(authorId),
    authorId,
    clientKey: null,
    content,
    replyId: newReplyId(),
    answerWithinMs: 60_000,
  });
}

const openReplies = async (): Promise<number> =>
  Number(
    (
      await sql<{ n: string }>(
        stores.env.DATABASE_URL,
        `select count(*) as n from edgechat.replies where status in ('queued', 'running')`,
      )
    )[0]?.n,
  );
/** Who asked what the provider was called with, in order, of the questions whose names begin so. */
const calls = (test: string): string[] =>
  provider
    .requests()
    .map(({ question }) => question)
    .filter((question) => question.startsWith(test));

const accountIn = (name: string): string => /of (\d+):/.exec(name)?.[1] ?? '';

const sendEither = (account: AccountId, name: string): Promise<unknown> =>
  (Number(name.at(-1)) % 2 ? complete : ask)(account, name);

describe.each([
  ['prompts', 20, complete],
  ['questions', 30, ask],
  ['either', 40, sendEither],
] as const)('where 6 accounts have 4 each waiting: %s', (kind, above, send) => {
  // Accounts of their own: what one used in the round before counts for a while, and others would go before it.
  const accounts = times(6, (n) => accountId(above + 1 + n));
  const stranger = accountId(above + 7);

  it("a stranger's first begins before any account's second, and all are answered", async () => {
    const held = times(PLACES, (n) => hold(accountId(90 + n)));
    const asked = accounts.flatMap((account) => times(4, (n) => send(account, `${kind} of ${account}: ${n + 1}`)));
    await eventually(() => accounts.every((account) => places.waitingOf(account) > 0));
    asked.push(send(stranger, `${kind} of ${stranger}: 1`));
    await eventually(() => places.waitingOf(stranger) === 1);
    // One place only is free: so the order of the calls is that of the turns.
    held[0]?.();
    await eventually(() => calls(kind).length === 25, { withinMs: 30_000 });
    held.forEach((free) => free());
    await Promise.all(asked);

    const asking = calls(kind).map(accountIn);
    expect(new Set(asking.slice(0, 7))).toEqual(new Set([...accounts, stranger].map(String)));
    await eventually(async () => (await openReplies()) === 0);
  }, 60_000);
});

describe('where 2 accounts have 200 questions in the queue, and as many under way as they may', () => {
  it("a newcomer's begins at once, and all are answered", async () => {
    const [ada, bob] = [accountId(11), accountId(12)];
    const held = [hold(ada), hold(ada), hold(bob)];
    await Promise.all(times(100, (n) => Promise.all([ask(ada, `many of 11: ${n}`), ask(bob, `many of 12: ${n}`)])));
    await ask(accountId(13), 'many of 13: 1');

    await eventually(() => calls('many').length === 1);
    expect(calls('many')).toEqual(['many of 13: 1']);
    held.forEach((free) => free());
    await eventually(async () => (await openReplies()) === 0, { withinMs: 100_000 });
    expect(calls('many')).toHaveLength(201);
  }, 120_000);
});

describe('a job that waits for its place', () => {
  it('ends as failed at its deadline, and is never begun', async () => {
    const held = times(PLACES, (n) => hold(accountId(90 + n)));
    await get(SendMessage).send({
      by: 'person',
      conversationId: await aConversation(latecomer),
      authorId: latecomer,
      clientKey: null,
      content: 'too late of 7: 1',
      replyId: newReplyId(),
      answerWithinMs: 500,
    });
    const outcome = await get(AskCompletion).ask(
      { accountId: latecomer, prompt: 'too late of 7: 2', requestId: newId() },
      new Date(Date.now() + 500),
      signal,
    );

    expect(outcome).toBeNull();
    await eventually(async () => (await openReplies()) === 0);
    await eventually(() => places.waitingOf(latecomer) === 0);
    held.forEach((free) => free());
    expect(calls('too late')).toEqual([]);
  });
});
