import type { INestApplicationContext } from '@nestjs/common';
import { accountId, newReplyId, type AccountId, type ConversationId } from '@edgechat/kernel';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import { ConversationsModule } from './conversations.module.js';
import type { ConversationKind, MadeConversation, Member, MemberRole, Message, SentMessage } from './index.js';
import { prepareMessages } from './persistence/prepare-messages.js';
import { ListConversations, type InboxStart } from './queries/list-conversations.js';
import { ReadMessages } from './queries/read-messages.js';
import { AddMembers } from './use-cases/add-members.js';
import { ChangeRole } from './use-cases/change-role.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { RemoveMember } from './use-cases/remove-member.js';
import { SendMessage } from './use-cases/send-message.js';

/** Accounts 1 to 11,000, and what they do to conversations, for tests on stores of their own. */
export class People {
  private readonly others: INestApplicationContext[] = [];

  private constructor(
    readonly stores: OwnStores,
    readonly process: INestApplicationContext,
  ) {}

  /** @param writeLimit members above which a conversation is large here */
  static async start(writeLimit: number, env: Readonly<Record<string, string>> = {}): Promise<People> {
    const stores = await ownStores();
    const process = await inProcess(stores, [ConversationsModule], { FAN_OUT_WRITE_LIMIT: String(writeLimit), ...env });
    await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
    await sql(
      stores.env.DATABASE_URL,
      `insert into edgechat.accounts (id, email, email_key, password_hash) select n, n::text, n::text, '' from generate_series(1, 11000) n`,
    );
    return new People(stores, process);
  }

  async close(): Promise<void> {
    for (const process of [...this.others, this.process]) await process.close();
    await this.stores.close();
  }

  /** A further process, with other settings. */
  async another(env: Readonly<Record<string, string>>): Promise<INestApplicationContext> {
    const process = await inProcess(this.stores, [ConversationsModule], env);
    this.others.push(process);
    return process;
  }

  make(
    creator: AccountId,
    kind: ConversationKind,
    memberIds: readonly AccountId[] = [],
    clientKey: string | null = null,
    process = this.process,
  ): Promise<MadeConversation> {
    return process
      .get(CreateConversation)
      .create({ creator, kind, title: null, assistant: null, memberIds, clientKey });
  }

  async group(creator: AccountId, ...others: AccountId[]): Promise<ConversationId> {
    return (await this.make(creator, 'group', others)).id;
  }

  add(id: ConversationId, caller: AccountId, ...accounts: AccountId[]): Promise<readonly Member[]> {
    return this.process.get(AddMembers).add(id, caller, accounts);
  }

  remove(id: ConversationId, caller: AccountId, target: AccountId): Promise<void> {
    return this.process.get(RemoveMember).remove(id, caller, target);
  }

  give(id: ConversationId, caller: AccountId, target: AccountId, role: MemberRole): Promise<Member> {
    return this.process.get(ChangeRole).change(id, caller, target, role);
  }

  send(
    conversationId: ConversationId,
    authorId: AccountId,
    content = 'hello',
    clientKey: string | null = null,
  ): Promise<SentMessage> {
    return this.process.get(SendMessage).send({
      by: 'person',
      conversationId,
      authorId,
      clientKey,
      content,
      replyId: newReplyId(),
      answerWithinMs: 60_000,
    });
  }

  async messages(id: ConversationId, reader: AccountId): Promise<readonly Message[]> {
    return (await this.process.get(ReadMessages).page(id, reader, { direction: 'skip', from: 0, limit: 100 })).items;
  }

  async inbox(account: AccountId, start: InboxStart = { by: 'skip', skip: 0 }, limit = 100): Promise<string[]> {
    return (await this.process.get(ListConversations).page(account, limit, start)).items.map(({ id }) => id);
  }

  /** Role by account. */
  async roles(id: ConversationId): Promise<Record<number, string>> {
    const rows = await sql<{ account_id: string; role: string }>(
      this.stores.env.DATABASE_URL,
      'select account_id, role from edgechat.members where conversation_id = $1 order by 1',
      [id],
    );
    return Object.fromEntries(rows.map((row) => [Number(row.account_id), row.role]));
  }
}

/** `count` accounts from the `from`th on. */
export const accounts = (from: number, count: number): AccountId[] =>
  Array.from({ length: count }, (_, n) => accountId(from + n));
export const account = accountId;
