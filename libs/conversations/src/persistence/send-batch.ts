import { hash } from 'node:crypto';
import { newMessageId, type MessageId, type ReplyId } from '@edgechat/kernel';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import type { DailyLimits, Use } from '@edgechat/usage';
import { mentionsAssistant } from '../domain/mention.js';
import type { ReplyStatus, Send } from '../domain/message.js';
import type { Place } from './message-documents.js';

/** What the door said of one send. */
export interface SendRow {
  readonly n: number;
  readonly outcome:
    'sent' | 'replayed' | 'not_found' | 'key_reused' | 'stale' | 'storage_exhausted' | 'budget_exhausted';
  readonly seq: number;
  readonly message_id: MessageId;
  readonly created_at: Date;
  readonly reply_id: ReplyId | null;
  readonly reply_status: ReplyStatus | null;
  readonly left_ms: number | null;
  readonly waits: boolean;
  readonly author_name: string | null;
  /** The order of other members' inboxes is owed. */
  readonly fans_out: boolean;
  /** In how many seconds what is exhausted may be used again. */
  readonly retry_after_s: number | null;
}

/** What the authors of a batch may use today, and what each used before its send besides what PostgreSQL knows, in the order of the sends; null for the assistant. */
export interface SendLimits {
  readonly daily: DailyLimits;
  readonly pending: readonly (Use | null)[];
}

const SEND_MESSAGES: Statement = {
  name: 'conversations.send_messages',
  text: 'select n, outcome, seq, message_id, created_at, reply_id, reply_status, waits, author_name, fans_out, retry_after_s, extract(epoch from deadline_at - clock_timestamp())::float8 * 1000 as left_ms from edgechat.send_messages($1::json, $2::json, $3, $4, $5, $6, $7) order by n',
};

const SETTLE_STORED: Statement = {
  name: 'conversations.settle_stored',
  text: 'select edgechat.settle_stored($1::json)',
};

/**
 * Numbers and writes a batch of sends: one round trip, one transaction (see the function `edgechat.send_messages`). The rows come in the order of the sends.
 * @param stored places of earlier messages that MongoDB has: their debts end in the same transaction
 * @param limits null where nothing is limited
 * @throws Unavailable `postgres`: the fate of the sends is then unknown, unless the cause is a deadlock or a serialization failure
 */
export async function sendBatch(
  sql: Sql,
  sends: readonly Send[],
  stored: readonly Place[] = [],
  limits: SendLimits | null = null,
): Promise<SendRow[]> {
  const rows = await sql.query<SendRow>(SEND_MESSAGES, [
    JSON.stringify(sends.map(forDoor)),
    stored.length > 0 ? JSON.stringify(stored) : null,
    limits?.daily.day ?? null,
    limits?.daily.textBytes ?? null,
    limits?.daily.tokens ?? null,
    ...(limits === null ? [null, null] : pendingOf(limits.pending)),
  ]);
  if (rows.length !== sends.length) throw new Error('the door did not answer for every send');
  return rows;
}

/** Ends the debt to MongoDB of messages that it has, where no send takes them along. @throws Unavailable `postgres`: they stay owed, which does no harm */
export async function settleStored(sql: Sql, stored: readonly Place[]): Promise<void> {
  await sql.query(SETTLE_STORED, [JSON.stringify(stored)]);
}

/** Bytes and tokens in the order of the sends; null for nothing but zeros. */
const pendingOf = (pending: SendLimits['pending']): (number[] | null)[] =>
  [pending.map((use) => use?.textBytes ?? 0), pending.map((use) => use?.tokens ?? 0)].map((all) =>
    all.some((one) => one > 0) ? all : null,
  );

function forDoor(send: Send, n: number): object {
  const all = {
    n,
    conversation_id: send.conversationId,
    content: send.content,
    message_id: newMessageId(),
    content_hash: hash('sha256', send.content, 'base64url'),
  };
  if (send.by === 'person') {
    return {
      ...all,
      author: send.authorId,
      client_key: send.clientKey,
      reply_id: send.replyId,
      answer_within_ms: send.answerWithinMs,
      mentions_assistant: mentionsAssistant(send.content),
    };
  }
  return {
    ...all,
    author: 0,
    client_key: send.replyId,
    question_seq: send.questionSeq,
    epoch: send.epoch,
    provider: send.provider,
    model: send.model,
    tokens_in: send.tokensIn,
    tokens_out: send.tokensOut,
    finish_reason: send.finishReason,
    is_input_cut: send.isInputCut,
    is_history_refused: send.isHistoryRefused,
    failed_calls: send.failedCalls?.map(({ call, tokensIn, tokensOut }) => ({
      call,
      tokens_in: tokensIn,
      tokens_out: tokensOut,
    })),
  };
}
