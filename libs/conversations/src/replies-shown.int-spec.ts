import type { INestApplicationContext } from '@nestjs/common';
import { accountId, newReplyId, type ConversationId } from '@edgechat/kernel';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import { ConversationsModule } from './conversations.module.js';
import type { AssistantMode, ConversationKind } from './domain/conversation.js';
import type { Message, SentMessage } from './domain/message.js';
import { prepareMessages } from './persistence/prepare-messages.js';
import { ReadMessages } from './queries/read-messages.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { SendMessage } from './use-cases/send-message.js';

let stores: OwnStores;
let process: INestApplicationContext;
const [ada, bob] = [accountId(1), accountId(2)];

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [ConversationsModule]);
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.accounts (id, email, email_key, password_hash) values (1, 'a', 'a', ''), (2, 'b', 'b', '')`,
  );
});
afterAll(async () => {
  await process.close();
  await stores.close();
});

async function aConversation(kind: ConversationKind = 'assistant', mode: AssistantMode = 'always') {
  const memberIds = kind === 'group' ? [bob] : [];
  const asked = { creator: ada, kind, title: null, assistant: mode, memberIds, clientKey: null };
  return (await process.get(CreateConversation).create(asked)).id;
}
const ask = (conversationId: ConversationId, content: string): Promise<SentMessage> =>
  process.get(SendMessage).send({
    by: 'person',
    conversationId,
    authorId: ada,
    clientKey: content,
    content,
    replyId: newReplyId(),
    answerWithinMs: 60_000,
  });
/** Sets columns of the reply to a message. */
const become = (id: ConversationId, seq: number, columns: string): Promise<object[]> =>
  sql(
    stores.env.DATABASE_URL,
    `update edgechat.replies set ${columns} where conversation_id = $1 and question_seq = $2`,
    [id, seq],
  );
/** Answers a question as a run of its reply does. */
async function answer(id: ConversationId, { seq, reply }: SentMessage, finishReason: string): Promise<SentMessage> {
  await become(id, seq, `status = 'running', lease_until = clock_timestamp() + interval '1 minute'`);
  return process.get(SendMessage).send({
    by: 'assistant',
    conversationId: id,
    replyId: reply?.id ?? newReplyId(),
    questionSeq: seq,
    epoch: 1,
    content: 'because',
    provider: 'demo',
    model: 'm-1',
    tokensIn: 1,
    tokensOut: 1,
    finishReason,
  });
}
const one = (id: ConversationId, seq: number, reader = ada): Promise<Message> =>
  process.get(ReadMessages).one(id, reader, seq);

describe('a message that asked for an answer', () => {
  it.each([
    ['while it waits', `status = 'queued'`, { status: 'queued', isInputCut: false, failure: null }],
    ['while it is answered', `status = 'running'`, { status: 'running', isInputCut: false, failure: null }],
    [
      'when it failed',
      `status = 'failed', failure = 'ai_overloaded', failure_code = 'ai_failed', retry_after_s = 20, is_input_cut = true`,
      { status: 'failed', isInputCut: true, failure: { code: 'ai_overloaded', retryAfterS: 20 } },
    ],
    [
      'when it failed in the release before',
      `status = 'failed', failure_code = 'ai_quota_exceeded', retry_after_s = 7`,
      { status: 'failed', isInputCut: false, failure: { code: 'ai_quota_exceeded', retryAfterS: 7 } },
    ],
    [
      'when it failed and nobody said why',
      `status = 'failed'`,
      { status: 'failed', isInputCut: false, failure: { code: 'ai_failed', retryAfterS: null } },
    ],
    [
      'when it failed and is asked anew',
      `status = 'queued', failure = 'ai_overloaded', failure_code = 'ai_failed', retry_after_s = 20, is_input_cut = true`,
      { status: 'queued', isInputCut: false, failure: null },
    ],
    [
      'when it was answered after a failure',
      `status = 'done', failure = 'ai_overloaded', failure_code = 'ai_failed', is_input_cut = true`,
      { status: 'done', isInputCut: true, failure: null },
    ],
  ] as const)('says what became of it %s', async (_, columns, shown) => {
    const id = await aConversation();
    const sent = await ask(id, 'why?');
    await become(id, sent.seq, columns);

    expect(await one(id, sent.seq)).toMatchObject({ reply: { id: sent.reply?.id, ...shown }, finishReason: null });
  });

  it.each(['stop', 'length', 'content-filter', 'other'])(
    'has an answer that says why the model stopped: %s',
    async (reason) => {
      const id = await aConversation();
      const question = await ask(id, 'why?');
      const { seq } = await answer(id, question, reason);

      expect(await one(id, seq)).toMatchObject({ role: 'model', answersSeq: 1, reply: null, finishReason: reason });
      expect(await one(id, 1)).toMatchObject({ reply: { id: question.reply?.id, status: 'done' }, finishReason: null });
    },
  );

  it('says so to every member of a group, and in every way to read it; a message that asked for none has no reply', async () => {
    const id = await aConversation('group', 'mention');
    await ask(id, 'nobody asked');
    const question = await ask(id, '@assistant why?');
    await become(id, question.seq, `status = 'failed', failure = 'ai_refused', failure_code = 'ai_failed'`);
    const answered = await ask(id, '@assistant how?');
    await answer(id, answered, 'length');

    const shown = [
      { seq: 1, reply: null, finishReason: null },
      { seq: 2, reply: { id: question.reply?.id, status: 'failed', failure: { code: 'ai_refused' } } },
      { seq: 3, reply: { id: answered.reply?.id, status: 'done', failure: null } },
      { seq: 4, reply: null, finishReason: 'length' },
    ];
    const reading = process.get(ReadMessages);
    for (const reader of [ada, bob]) {
      for (const [direction, from] of [
        ['skip', 0],
        ['after', 0],
        ['before', 5],
      ] as const)
        expect((await reading.page(id, reader, { direction, from, limit: 10 })).items).toMatchObject(shown);
      const places = shown.map(({ seq }) => ({ conversationId: id, seq }));
      expect((await reading.placesWithin(reader, places, Number.POSITIVE_INFINITY)).messages).toMatchObject(shown);
    }
  });

  it('is read for work inside without its reply', async () => {
    const id = await aConversation();
    await answer(id, await ask(id, 'why?'), 'stop');

    expect(await process.get(ReadMessages).upTo(id, 2, 10)).toMatchObject([
      { seq: 1, reply: null },
      { seq: 2, finishReason: null },
    ]);
  });
});
