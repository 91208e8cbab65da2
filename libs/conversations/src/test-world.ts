import type { INestApplicationContext } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import { accountId, newId, newReplyId, type AccountId, type ConversationId } from '@edgechat/kernel';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import type { Model } from 'mongoose';
import { ConversationCheckModule } from './conversation-check.module.js';
import { ConversationsModule } from './conversations.module.js';
import { MESSAGES, type MessageDocument } from './persistence/message-documents.js';
import { prepareMessages } from './persistence/prepare-messages.js';
import type { Key, ProblemKind } from './queries/problems.js';
import { VerifyStores, type Verdict, type VerifyProgress } from './queries/verify-stores.js';
import { AddMembers } from './use-cases/add-members.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { FanOutMessages } from './use-cases/fan-out-messages.js';
import { PurgeConversation } from './use-cases/purge-conversation.js';
import { RemoveMember } from './use-cases/remove-member.js';
import { SendMessage } from './use-cases/send-message.js';
import { StoreMessages } from './use-cases/store-messages.js';

export const [ada, bob, cyd, dan] = [1, 2, 3, 4].map(accountId) as [AccountId, AccountId, AccountId, AccountId];
const TABLES = [
  'conversations',
  'members',
  'inbox',
  'messages',
  'outbox',
  'replies',
  'search_words',
  'direct_pairs',
  'answer_usage',
];

/** One conversation of each kind, and a large one. */
export interface Conversations {
  readonly assistant: ConversationId;
  readonly direct: ConversationId;
  readonly group: ConversationId;
  readonly large: ConversationId;
}

/** Four people and their conversations on stores of a test's own, to be harmed and looked at. A conversation of more than three is large. For tests. */
export class World {
  readonly signal = new AbortController().signal;

  private constructor(
    private readonly stores: OwnStores,
    private readonly process: INestApplicationContext,
  ) {}

  static async make(): Promise<World> {
    const stores = await ownStores();
    const process = await inProcess(stores, [ConversationsModule, ConversationCheckModule], {
      FAN_OUT_WRITE_LIMIT: '3',
    });
    const world = new World(stores, process);
    await world.prepare();
    await world.run(
      `insert into edgechat.accounts (id, email, email_key, password_hash) select n, n::text, n::text, '' from generate_series(1, 4) n`,
    );
    return world;
  }

  async close(): Promise<void> {
    await this.process.close();
    await this.stores.close();
  }

  prepare = (): Promise<void> =>
    prepareMessages(this.stores.env.MONGODB_URL, new URL(this.stores.env.MONGODB_URL).pathname.slice(1));
  get = <T>(type: abstract new (...args: never[]) => T): T => this.process.get(type, { strict: false });
  run = <Row extends object>(text: string, ...values: unknown[]): Promise<Row[]> =>
    sql(this.stores.env.DATABASE_URL, text, values);
  documents = () => this.process.get<Model<MessageDocument>>(getModelToken(MESSAGES), { strict: false }).collection;
  aDocument = (conversation: string, seq: unknown): Promise<unknown> =>
    this.documents().insertOne({
      conversation_id: conversation,
      seq,
      message_id: newId(),
      author: 1,
      content: 'x',
      created_at: new Date(),
    } as never);
  conversation = async (kind: 'assistant' | 'direct' | 'group', ...memberIds: AccountId[]): Promise<ConversationId> =>
    (
      await this.get(CreateConversation).create({
        creator: ada,
        kind,
        title: null,
        assistant: kind === 'assistant' ? 'always' : 'off',
        memberIds,
        clientKey: null,
      })
    ).id;
  send = (conversationId: ConversationId, content: string, authorId = ada): Promise<unknown> =>
    this.get(SendMessage).send({
      by: 'person',
      conversationId,
      authorId,
      clientKey: null,
      content,
      replyId: newReplyId(),
      answerWithinMs: 60_000,
    });
  payAll = (id: ConversationId): Promise<unknown> =>
    Promise.all([
      this.get(StoreMessages).run(id, this.signal),
      this.get(FanOutMessages).run(id, this.signal),
      this.index(id),
    ]);

  /** Gives a large conversation's inbox row an instant, past the trigger that keeps a release before from doing so. */
  async giveInstant(conversationId: ConversationId, account: number): Promise<void> {
    await this.run('alter table edgechat.inbox disable trigger inbox_stay_large');
    await this.run(
      'update edgechat.inbox set ordered_at = clock_timestamp() where conversation_id = $1 and account_id = $2',
      conversationId,
      account,
    );
    await this.run('alter table edgechat.inbox enable trigger inbox_stay_large');
  }

  /** What libs/search does, as far as anybody can see here. */
  private index = (id: string): Promise<unknown> =>
    this.run(
      `with paid as (delete from edgechat.outbox where conversation_id = $1 and kind = 'search' returning seq)
      insert into edgechat.search_words select m.conversation_id, m.seq, m.author, m.created_at, '' from paid join edgechat.messages m on m.conversation_id = $1 and m.seq = paid.seq on conflict do nothing`,
      id,
    );

  /** Four conversations, and nothing else, in which all is said, answered, stored, indexed and in the inboxes. */
  async anew(): Promise<Conversations> {
    await this.run(TABLES.map((table) => `delete from edgechat.${table}`).join('; '));
    await this.documents().deleteMany({});
    const all = {
      assistant: await this.conversation('assistant'),
      direct: await this.conversation('direct', bob),
      group: await this.conversation('group', bob, cyd),
      large: await this.conversation('group', bob, cyd, dan),
    };
    await Promise.all(
      Object.values<ConversationId>({ ...all }).map(async (id) => {
        for (const text of ['one', 'two', 'three']) await this.send(id, text);
        await this.answerAll(id);
        await this.payAll(id);
      }),
    );
    return all;
  }

  async answerAll(conversationId: ConversationId): Promise<void> {
    const owed = await this.run<{ id: ReturnType<typeof newReplyId>; question_seq: number }>(
      `update edgechat.replies set status = 'running', epoch = 2 where conversation_id = $1 and status = 'queued' returning id, question_seq`,
      conversationId,
    );
    for (const { id, question_seq } of owed) {
      await this.get(SendMessage).send({
        by: 'assistant',
        conversationId,
        replyId: id,
        questionSeq: question_seq,
        epoch: 2,
        content: 'answer',
        provider: 'p',
        model: 'm',
        tokensIn: 1,
        tokensOut: 1,
        finishReason: 'stop',
      });
    }
  }

  verify(
    lookedAgainAfterMs: readonly number[] = [1, 1],
    progress: VerifyProgress = { stage: '', done: 0, total: 0, suspects: 0 },
  ): Promise<Verdict> {
    return this.get(VerifyStores).run(progress, this.signal, lookedAgainAfterMs);
  }

  async found(): Promise<Partial<Record<ProblemKind, readonly Key[]>>> {
    return Object.fromEntries((await this.verify()).findings.map(({ kind, first }) => [kind, first]));
  }

  /** Sends, comes and goes, makes and deletes, as fast as it can, and pays what is owed, as long as `work` takes. */
  async busy({ group, direct, assistant, large }: Conversations, work: () => Promise<void>): Promise<void> {
    let isOver = false;
    const again = async (some: () => Promise<unknown>): Promise<void> => {
      while (!isOver) await some();
    };
    const comesAndGoes = async (): Promise<void> => {
      await this.get(AddMembers).add(group, ada, [dan]);
      await this.send(group, 'hello', dan);
      await this.get(RemoveMember).remove(group, dan, dan);
      const short = await this.conversation('group', bob);
      await this.send(short, 'soon gone');
      await this.get(DeleteConversation).delete(short, ada);
      await this.get(PurgeConversation).run(short, this.signal);
    };
    const asks = async (): Promise<void> => {
      await this.send(assistant, 'e');
      await this.answerAll(assistant);
    };
    const traffic = [
      () => this.send(group, 'a'),
      () => this.send(group, 'b', bob),
      () => this.send(direct, 'c', bob),
      () => this.send(large, 'd', cyd),
      comesAndGoes,
      asks,
      () => this.payAll(group),
      () => Promise.all([direct, assistant, large].map(this.payAll)),
    ].map(again);
    try {
      await Promise.race([work(), Promise.all(traffic)]);
    } finally {
      isOver = true;
      await Promise.all(traffic);
    }
  }
}
