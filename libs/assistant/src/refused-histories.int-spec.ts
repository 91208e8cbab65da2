import type { INestApplicationContext } from '@nestjs/common';
import {
  ConversationsModule,
  CreateConversation,
  prepareMessages,
  SendMessage,
  type ConversationKind,
} from '@edgechat/conversations';
import { accountId, newReplyId, type AccountId, type ConversationId } from '@edgechat/kernel';
import {
  inProcess,
  ownStores,
  sql,
  startProviderServer,
  type Behaviour,
  type OwnStores,
  type ProviderServer,
} from '@edgechat/testing';
import { AssistantWorkerModule } from './assistant-worker.module.js';
import { ReplyToMessage } from './use-cases/reply-to-message.js';

type Provider = 'gemini' | 'openai' | 'anthropic';
const [ada, bob] = [1, 2].map(accountId) as [AccountId, AccountId];

/** How each provider says that it refuses what it was sent for its content. */
const REFUSALS: Readonly<Record<Provider, Behaviour>> = {
  gemini: {
    kind: 'raw',
    body: { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 7 } },
  },
  openai: {
    kind: 'raw',
    status: 400,
    body: { error: { message: 'filtered', type: 'invalid_request_error', param: 'prompt', code: 'content_filter' } },
  },
  anthropic: {
    kind: 'raw',
    body: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [],
      stop_reason: 'refusal',
      stop_sequence: null,
      usage: { input_tokens: 7, output_tokens: 0 },
    },
  },
};

/** A provider that refuses every request in which a text is poisoned, wherever it stands. */
describe.each<Provider>(['gemini', 'openai', 'anthropic'])('a provider that refuses poisoned texts (%s)', (wire) => {
  let stores: OwnStores;
  let provider: ProviderServer;
  let process: INestApplicationContext;

  beforeAll(async () => {
    stores = await ownStores();
    provider = await startProviderServer();
    provider.judge(({ body }) => (JSON.stringify(body).includes('poison') ? REFUSALS[wire] : null));
    process = await inProcess(stores, [ConversationsModule, AssistantWorkerModule], {
      AI_PROVIDER: wire,
      [`${wire.toUpperCase()}_API_KEY`]: 'sk-test',
      [`${wire.toUpperCase()}_BASE_URL`]: provider.baseUrls[wire],
    });
    await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
    await sql(
      stores.env.DATABASE_URL,
      `insert into edgechat.accounts (id, email, email_key, password_hash) values (1, 'a', 'a', ''), (2, 'b', 'b', '')`,
    );
  });
  afterAll(async () => {
    await process.close();
    await provider.stop();
    await stores.close();
  });

  const get = <T>(type: abstract new (...args: never[]) => T): T => process.get(type, { strict: false });
  const aConversation = async (kind: ConversationKind): Promise<ConversationId> => {
    const memberIds = kind === 'assistant' ? [] : [bob];
    const assistant = kind === 'assistant' ? 'always' : 'mention';
    const made = { creator: ada, kind, title: null, assistant, memberIds, clientKey: null } as const;
    return (await get(CreateConversation).create(made)).id;
  };
  const say = (conversationId: ConversationId, content: string, authorId = ada) =>
    get(SendMessage).send({
      by: 'person',
      conversationId,
      authorId,
      clientKey: null,
      content,
      replyId: newReplyId(),
      answerWithinMs: 60_000,
    });
  /** A question, answered by a worker: how its reply ended, for what, and how often the provider was called for it. */
  const answered = async (id: ConversationId, content: string): Promise<[string, string | null, number]> => {
    const before = provider.requests().length;
    const { seq } = await say(id, content);
    await get(ReplyToMessage).run(id, new AbortController().signal);
    const [row] = await sql<{ status: string; failure: string | null }>(
      stores.env.DATABASE_URL,
      'select status, failure from edgechat.replies where conversation_id = $1 and question_seq = $2',
      [id, seq],
    );
    return [row?.status ?? 'none', row?.failure ?? null, provider.requests().length - before];
  };

  it('is asked a poisoned question once, and four harmless ones after it once each', async () => {
    const id = await aConversation('assistant');
    expect(await answered(id, 'poison')).toEqual(['failed', 'ai_refused', 1]);
    for (const text of ['one', 'two', 'three', 'four']) expect(await answered(id, text)).toEqual(['done', null, 1]);
  });

  it('is asked once more, once, for a poisoned text of a group that was no question, and once for each mention after it', async () => {
    const id = await aConversation('group');
    await say(id, 'poison', bob);

    expect(await answered(id, '@assistant one')).toEqual(['done', null, 2]);
    for (const n of [2, 3, 4]) expect(await answered(id, `@assistant ${n}`)).toEqual(['done', null, 1]);
  });

  it('is asked once more for each of two poisoned texts, wherever they stand', async () => {
    const id = await aConversation('group');
    for (const text of ['poison', 'harmless', 'poison too']) await say(id, text, bob);
    expect(await answered(id, '@assistant one')).toEqual(['done', null, 2]);
    expect(await answered(id, '@assistant two')).toEqual(['done', null, 1]);

    await say(id, 'poison again', bob);
    expect(await answered(id, '@assistant three')).toEqual(['done', null, 2]);
    expect(await answered(id, '@assistant four')).toEqual(['done', null, 1]);
  });

  it('is asked a poisoned mention among poisoned texts twice at most, and a bystander’s conversation feels nothing', async () => {
    const [id, other] = [await aConversation('group'), await aConversation('group')];
    await say(id, 'poison', bob);

    expect(await answered(id, '@assistant poison?')).toEqual(['failed', 'ai_refused', 2]);
    expect(await answered(other, '@assistant well?')).toEqual(['done', null, 1]);
    expect(await answered(id, '@assistant one')).toEqual(['done', null, 2]);
    expect(await answered(id, '@assistant two')).toEqual(['done', null, 1]);
  });
});
