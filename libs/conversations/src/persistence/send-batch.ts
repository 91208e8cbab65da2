import { createHash } from 'node:crypto';
import { newMessageId, type MessageId, type ReplyId } from '@edgechat/kernel';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import { mentionsAssistant } from '../domain/mention.js';
import type { ReplyStatus, Send } from '../domain/message.js';

/** What the door said of one send. */
export interface SendRow {
  readonly n: number;
  readonly outcome: 'sent' | 'replayed' | 'not_found' | 'key_reused' | 'stale';
  readonly seq: number;
  readonly message_id: MessageId;
  readonly created_at: Date;
  readonly reply_id: ReplyId | null;
  readonly reply_status: ReplyStatus | null;
  readonly left_ms: number | null;
  readonly waits: boolean;
  readonly author_name: string | null;
}

const SEND_MESSAGES: Statement = { name: 'conversations.send_messages', text: 'select *, extract(epoch from deadline_at - clock_timestamp())::float8 * 1000 as left_ms from edgechat.send_messages($1::json) order by n' };

/**
 * Numbers and writes a batch of sends: one round trip, one transaction (see the function `edgechat.send_messages`). The rows come in the order of the sends.
 * @throws Unavailable `postgres`: the fate of the sends is then unknown, unless the cause is a deadlock or a serialization failure
 */
export async function sendBatch(sql: Sql, sends: readonly Send[]): Promise<SendRow[]> {
  const rows = await sql.query<SendRow>(SEND_MESSAGES, [JSON.stringify(sends.map(forDoor))]);
  if (rows.length !== sends.length) throw new Error('the door did not answer for every send');
  return rows;
}

function forDoor(send: Send, n: number): object {
  const all = { n, conversation_id: send.conversationId, content: send.content, message_id: newMessageId(), content_hash: createHash('sha256').update(send.content).digest('base64url') };
  if (send.by === 'person') {
    return { ...all, author: send.authorId, client_key: send.clientKey, reply_id: send.replyId, answer_within_ms: send.answerWithinMs, mentions_assistant: mentionsAssistant(send.content) };
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
  };
}
