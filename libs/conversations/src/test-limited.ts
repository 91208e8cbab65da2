import { randomBytes } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { accountId, newReplyId, Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import { DailyUse } from '@edgechat/usage';
import type { ConversationKind } from './domain/conversation.js';
import type { SentMessage } from './domain/message.js';
import { ConversationsModule } from './conversations.module.js';
import { prepareMessages } from './persistence/prepare-messages.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { SendMessage } from './use-cases/send-message.js';

export const MIB = 1_048_576;

/** People who may use little in a day (1 MiB, 100 tokens), on stores of a test's own. Accounts are two days old unless it is said otherwise. For tests. */
export class Limited {
  private readonly processes: INestApplicationContext[] = [];

  private constructor(private readonly stores: OwnStores) {}

  static async make(): Promise<Limited> {
    const made = new Limited(await ownStores());
    await made.process({ TEXT_MB_PER_DAY: '1', AI_TOKENS_PER_DAY: '100' });
    const { MONGODB_URL: url } = made.stores.env;
    await prepareMessages(url, new URL(url).pathname.slice(1));
    return made;
  }

  async close(): Promise<void> {
    for (const process of this.processes) await process.close();
    await this.stores.close();
  }

  /** A further process, with limits of its own. */
  async process(env: Readonly<Record<string, string>>): Promise<INestApplicationContext> {
    const process = await inProcess(this.stores, [ConversationsModule], env);
    this.processes.push(process);
    return process;
  }

  private get first(): INestApplicationContext {
    const [first] = this.processes;
    if (!first) throw new Error('there is no process');
    return first;
  }

  get dailyUse(): DailyUse {
    return this.first.get(DailyUse, { strict: false });
  }

  run = <Row extends object>(text: string, ...values: unknown[]): Promise<Row[]> =>
    sql(this.stores.env.DATABASE_URL, text, values);

  account = async (age = '2 days'): Promise<AccountId> => {
    const [row] = await this.run<{ id: string }>(
      `insert into edgechat.accounts (email, email_key, password_hash, created_at) values ($1, $1, '', clock_timestamp() - $2::interval) returning id`,
      randomBytes(8).toString('hex'),
      age,
    );
    return accountId(Number(row?.id));
  };

  conversation = async (
    creator: AccountId,
    assistant: 'always' | 'mention' | 'off' = 'off',
    kind: ConversationKind = 'assistant',
  ): Promise<ConversationId> =>
    (
      await this.first
        .get(CreateConversation)
        .create({ creator, kind, title: null, assistant, memberIds: [], clientKey: null })
    ).id;

  send = (
    conversationId: ConversationId,
    authorId: AccountId,
    content: string,
    clientKey: string | null = null,
    process = this.first,
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

  /** Has an account used this much today. */
  use = (account: AccountId, textBytes: number, tokens: number): Promise<unknown> =>
    this.run(
      `insert into edgechat.daily_use values ($1, (clock_timestamp() at time zone 'UTC')::date, $2, $3)
       on conflict (account_id, day) do update set text_bytes = excluded.text_bytes, tokens = excluded.tokens`,
      account,
      textBytes,
      tokens,
    );

  /** All that a conversation has of messages, owed work and replies. */
  kept = (id: ConversationId): Promise<object[][]> =>
    Promise.all(
      ['messages', 'outbox', 'replies'].map((table) =>
        this.run(`select * from edgechat.${table} where conversation_id = $1`, id),
      ),
    );
}

/** What became of a send: `sent`, `replayed`, or the code of its refusal. */
export const outcomeOf = (sending: Promise<SentMessage>): Promise<string> =>
  sending.then(
    ({ isReplay }) => (isReplay ? 'replayed' : 'sent'),
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  );

/** How often each outcome was. */
export const count = (outcomes: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(outcomes)].map((one) => [one, outcomes.filter((other) => other === one).length]));
