import type { INestApplicationContext } from '@nestjs/common';
import {
  ConversationsModule,
  CreateConversation,
  prepareMessages,
  SendMessage,
  type AssistantMode,
  type ConversationKind,
  type SentMessage,
} from '@edgechat/conversations';
import { accountId, newReplyId, type AccountId, type ConversationId } from '@edgechat/kernel';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import { AssistantModule } from './assistant.module.js';
import { AssistantWorkerModule } from './assistant-worker.module.js';
import { AnswerFailed, LanguageModel, type Answer, type AnswerRequest } from './ports/language-model.js';
import { Replies } from './persistence/replies.js';
import { ReplyToMessage } from './use-cases/reply-to-message.js';

export const [ada, bob] = [1, 2].map(accountId) as [AccountId, AccountId];

/** What the model does with a request: gives an answer, or fails; a function is asked for either. */
export type Outcome = Answer | AnswerFailed | ((request: AnswerRequest) => Promise<Answer | AnswerFailed>);

/** An answer of 10 tokens in and 5 out. */
export const anAnswer = (more: Partial<Answer> = {}): Answer => ({
  text: 'answer',
  tokensIn: 10,
  tokensOut: 5,
  finishReason: 'stop',
  calls: 1,
  failedCalls: [],
  isHistoryRefused: false,
  ...more,
});

/** The provider may answer in 2 s, as it said, of its quota or for want of room; one call was made. */
export const passing = (
  code: 'ai_quota_exceeded' | 'ai_overloaded',
  more: Partial<Pick<AnswerFailed, 'retryAfterS' | 'calls' | 'failedCalls'>> = {},
): AnswerFailed => new AnswerFailed(code, { retryAfterS: 2, isPassing: true, calls: 1, ...more });

export interface ReplyState {
  readonly status: string;
  readonly failure: string | null;
  readonly failure_code: string | null;
  readonly retry_after_s: number | null;
  readonly calls: number;
  readonly epoch: number;
}

interface Question {
  readonly by?: AccountId;
  readonly key?: string | null;
  readonly withinMs?: number;
}

/** Conversations of two people, and a model that does what a test tells it. On stores of the test's own. */
export class Answering {
  /** What the model was asked, in order. */
  readonly requests: AnswerRequest[] = [];
  private readonly outcomes: Outcome[] = [];

  private constructor(
    private readonly stores: OwnStores,
    private readonly process: INestApplicationContext,
  ) {}

  static async make(env: Readonly<Record<string, string>> = {}): Promise<Answering> {
    const stores = await ownStores();
    const process = await inProcess(stores, [ConversationsModule, AssistantModule, AssistantWorkerModule], env);
    await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
    const answering = new Answering(stores, process);
    await answering.sql(
      `insert into edgechat.accounts (id, email, email_key, password_hash, display_name, created_at)
       values (1, 'a', 'a', '', 'Ada', clock_timestamp() - interval '2 days'), (2, 'b', 'b', '', 'Bob', clock_timestamp() - interval '2 days')`,
    );
    answering.get(LanguageModel).complete = (request) => answering.complete(request);
    return answering;
  }

  async close(): Promise<void> {
    await this.process.close();
    await this.stores.close();
  }

  get = <T>(type: abstract new (...args: never[]) => T): T => this.process.get(type, { strict: false });
  sql = <Row extends object>(text: string, ...values: unknown[]): Promise<Row[]> =>
    sql<Row>(this.stores.env.DATABASE_URL, text, values);

  /** What the model does next, in this order; then it gives good answers. */
  script(...outcomes: Outcome[]): void {
    this.outcomes.splice(0, Infinity, ...outcomes);
    this.requests.splice(0);
  }

  async conversation(kind: ConversationKind = 'group', assistant: AssistantMode = 'always'): Promise<ConversationId> {
    const memberIds = kind === 'assistant' ? [] : [bob];
    const made = { creator: ada, kind, title: null, assistant, memberIds, clientKey: null };
    return (await this.get(CreateConversation).create(made)).id;
  }

  ask(conversationId: ConversationId, content: string, question: Question = {}): Promise<SentMessage> {
    const { by: authorId = ada, key: clientKey = null, withinMs: answerWithinMs = 60_000 } = question;
    const replyId = newReplyId();
    return this.get(SendMessage).send({
      by: 'person',
      conversationId,
      authorId,
      clientKey,
      content,
      replyId,
      answerWithinMs,
    });
  }

  /** What a worker does when it is rung for a conversation. */
  run(conversationId: ConversationId, stop = new AbortController().signal): Promise<void> {
    return this.get(ReplyToMessage).run(conversationId, stop);
  }

  repliesIn(conversationId: ConversationId): Promise<ReplyState[]> {
    return this.sql(
      'select status, failure, failure_code, retry_after_s, calls, epoch from edgechat.replies where conversation_id = $1 order by question_seq',
      conversationId,
    );
  }

  /** What is charged for a conversation, by reply. */
  chargesIn(conversationId: ConversationId): Promise<{ tokens_in: number; tokens_out: number }[]> {
    return this.sql(
      'select tokens_in, tokens_out from edgechat.answer_usage where conversation_id = $1 order by created_at',
      conversationId,
    );
  }

  isDue = async (conversationId: ConversationId): Promise<boolean> =>
    (await this.get(Replies).listDue()).includes(conversationId);

  /** So many seconds pass for the replies of a conversation. */
  async pass(conversationId: ConversationId, seconds: number): Promise<void> {
    await this.sql(
      `update edgechat.replies set next_at = next_at - i, not_before = not_before - i, deadline_at = deadline_at - i, lease_until = lease_until - i
       from (select make_interval(secs => $2) as i) passed where conversation_id = $1`,
      conversationId,
      seconds,
    );
  }

  /** The texts that a request showed the model, without instructions. */
  shown(request: AnswerRequest | undefined): string[] {
    return (request?.messages ?? []).filter(({ role }) => role !== 'system').map(({ content }) => content);
  }

  private async complete(request: AnswerRequest): Promise<Answer> {
    this.requests.push(request);
    const next = this.outcomes.shift() ?? anAnswer();
    const outcome = typeof next === 'function' ? await next(request) : next;
    if (outcome instanceof AnswerFailed) throw outcome;
    return outcome;
  }
}
