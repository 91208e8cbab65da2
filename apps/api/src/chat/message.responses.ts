import { ApiProperty } from '@nestjs/swagger';
import { FAILURE_CODES, type FailureCode } from '@edgechat/assistant';
import type { Message, MessageReply } from '@edgechat/conversations';
import { instant } from '@edgechat/kernel';
import { ACCOUNT_ID } from '../docs/describe.js';
import { describeFailure } from './failures.js';

const AT = '2026-11-24T08:00:00.000Z';
const CONVERSATION_ID = '019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5f';
const REPLY_ID = '019ab4c2-8f01-7e00-8333-708192031425';

export const REPLY_EXAMPLE = { id: REPLY_ID, status: 'done', is_input_cut: false, failure: null } as const;
export const MESSAGE_EXAMPLE = {
  id: '019ab4c2-8f00-7d21-a111-5e6f70819203',
  conversation_id: CONVERSATION_ID,
  seq: 1,
  role: 'user',
  author_id: 6_204_153_389_513_871,
  author_name: 'Ada',
  content: 'What is the capital of Italy?',
  client_id: 'c7d1',
  answers_seq: null,
  reply: REPLY_EXAMPLE,
  finish_reason: null,
  created_at: AT,
} as const;
export const ANSWER_EXAMPLE = {
  id: '019ab4c2-9a10-7c01-b222-6f7081920314',
  conversation_id: CONVERSATION_ID,
  seq: 2,
  role: 'model',
  author_id: null,
  author_name: null,
  content: 'Rome.',
  client_id: null,
  answers_seq: 1,
  reply: null,
  finish_reason: 'stop',
  created_at: AT,
} as const;

/** The question of the example as a problem document shows it: whose answer failed so, or with null is on its way. */
export const unansweredExample = (code: FailureCode | null): MessageResponse => ({
  ...MESSAGE_EXAMPLE,
  reply: {
    ...REPLY_EXAMPLE,
    status: code === null ? 'running' : 'failed',
    failure: code && describeFailure({ code, retryAfterS: code === 'ai_overloaded' ? 20 : null }),
  },
});

/** What the model's own name for why it stopped is to clients; others are null. */
const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['content-filter', 'content_filter'],
]);
type FinishReason = 'stop' | 'length' | 'content_filter';

/** The field `finish_reason` of messages and completions. */
export const FINISH_REASON = {
  type: 'string',
  enum: ['stop', 'length', 'content_filter', null],
  nullable: true,
  description:
    'Why the model stopped: it had said all; the answer is cut by a limit; or by the provider, for its content. `null` where that is not known.',
} as const;

/** Why the model stopped, as clients read it; null for what has no name there. */
export const finishReasonResponse = (reason: string | null): FinishReason | null =>
  FINISH_REASONS.get(reason ?? '') ?? null;

export class FailureResponse {
  @ApiProperty({ enum: FAILURE_CODES, description: 'As in problem documents.' }) readonly code!: string;
  @ApiProperty({ description: 'A sentence for people.' }) readonly detail!: string;
  @ApiProperty({
    type: 'integer',
    minimum: 0,
    nullable: true,
    description: 'Seconds from the failure on after which the provider may answer; `null` where it named none.',
  })
  readonly retry_after_s!: number | null;
}

/** The answering of a message. */
export class ReplyResponse {
  @ApiProperty({ example: REPLY_ID }) readonly id!: string;
  @ApiProperty({ enum: ['queued', 'running', 'done', 'failed'] }) readonly status!: string;
  @ApiProperty({ description: 'True when the message was too long for the model: it was not shown all of it.' })
  readonly is_input_cut!: boolean;
  @ApiProperty({ type: FailureResponse, nullable: true, description: 'Why it failed; `null` unless it did.' })
  readonly failure!: FailureResponse | null;
}

/** The answering of a message, as every member sees it. */
export function replyResponse({ id, status, isInputCut, failure }: MessageReply): ReplyResponse {
  return { id, status, is_input_cut: isInputCut, failure: failure && describeFailure(failure) };
}

export class MessageResponse {
  @ApiProperty({ example: MESSAGE_EXAMPLE.id }) readonly id!: string;
  @ApiProperty({ example: CONVERSATION_ID }) readonly conversation_id!: string;
  @ApiProperty({ type: 'integer', minimum: 1, description: 'From 1, without a hole.' }) readonly seq!: number;
  @ApiProperty({ enum: ['user', 'model'] }) readonly role!: 'user' | 'model';
  @ApiProperty({ ...ACCOUNT_ID, nullable: true }) readonly author_id!: number | null;
  @ApiProperty({ type: 'string', nullable: true }) readonly author_name!: string | null;
  @ApiProperty() readonly content!: string;
  @ApiProperty({ type: 'string', nullable: true, description: 'Shown to its author only.' }) readonly client_id!:
    string | null;
  @ApiProperty({ type: 'integer', nullable: true, description: 'The message that an answer answers.' })
  readonly answers_seq!: number | null;
  @ApiProperty({
    type: ReplyResponse,
    nullable: true,
    description: 'What became of the answer to this message; `null` where none was asked for, and of an answer.',
  })
  readonly reply!: ReplyResponse | null;
  @ApiProperty(FINISH_REASON) readonly finish_reason!: FinishReason | null;
  @ApiProperty({ format: 'date-time' }) readonly created_at!: string;
}

/** A message as a client sees it. */
export function messageResponse(message: Message): MessageResponse {
  return {
    id: message.id,
    conversation_id: message.conversationId,
    seq: message.seq,
    role: message.role,
    author_id: message.authorId,
    author_name: message.authorName,
    content: message.content,
    client_id: message.clientKey,
    answers_seq: message.answersSeq,
    reply: message.reply && replyResponse(message.reply),
    finish_reason: finishReasonResponse(message.finishReason),
    created_at: instant(message.createdAt),
  };
}

export class MessagesResponse {
  @ApiProperty({ type: [MessageResponse] }) readonly messages!: MessageResponse[];
  @ApiProperty({ description: 'Exact, in the direction asked for.' }) readonly has_more!: boolean;
}

export class SendResponse {
  @ApiProperty({ type: MessageResponse }) readonly user_message!: MessageResponse;
  @ApiProperty({ type: MessageResponse, nullable: true }) readonly model_message!: MessageResponse | null;
  @ApiProperty({ type: ReplyResponse, nullable: true }) readonly reply!: ReplyResponse | null;
}
