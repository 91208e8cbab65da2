import { Injectable } from '@nestjs/common';
import { AwaitReply, type FailureCode, type ReplyOutcome } from '@edgechat/assistant';
import { MarkRead, ReadMessages, SendMessage, type PersonSend, type SentMessage } from '@edgechat/conversations';
import { assertNever, newReplyId, Refusal, Unavailable, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Draining } from '../health/draining.js';
import { messageResponse, type MessageResponse, type SendResponse } from './chat.responses.js';

/** The API waits this long past the reply's own deadline, so that its end is seen and not guessed. */
const GRACE_MS = 2_000;

export interface NewMessage {
  readonly caller: AccountId;
  readonly conversationId: ConversationId;
  readonly content: string;
  readonly clientKey: string | null;
  readonly requestId: string;
}

/** A failure as a problem: what a person is told, and when to come back. */
type Problem = Refusal | Unavailable;

/** Sends a message and, where the assistant answers each one, waits for the answer. The answer comes whether or not anybody waits. */
@Injectable()
export class SendAndWait {
  constructor(
    private readonly sendMessage: SendMessage,
    private readonly awaitReply: AwaitReply,
    private readonly messages: ReadMessages,
    private readonly marks: MarkRead,
    private readonly draining: Draining,
    private readonly config: Config,
  ) {}

  /**
   * @throws Refusal `conversation_not_found`, `idempotency_key_reused`, `storage_exhausted`, `budget_exhausted` (with the kept message if this is a repeat, or it was queued before), `ai_quota_exceeded` (with it)
   * @throws Unavailable `service_unavailable` (fate unknown), `ai_failed`, `ai_not_configured`, `answer_pending` (these with the kept message)
   */
  async execute(message: NewMessage): Promise<{ body: SendResponse; isReplay: boolean }> {
    const replyId = newReplyId();
    const listening = this.awaitReply.listen(replyId);
    try {
      const send: PersonSend = {
        by: 'person',
        conversationId: message.conversationId,
        authorId: message.caller,
        clientKey: message.clientKey,
        content: message.content,
        replyId,
        answerWithinMs: this.config.aiTimeoutMs,
        requestId: message.requestId,
      };
      const sent = await this.sendMessage.send(send);
      const userMessage = userMessageOf(send, sent);
      if (sent.reply === null || !sent.waitsForAnswer)
        return {
          body: {
            user_message: userMessage,
            model_message: null,
            reply: sent.reply && { id: sent.reply.id, status: sent.reply.status },
          },
          isReplay: sent.isReplay,
        };
      if (sent.reply.id === replyId)
        return await this.answered(send, sent, userMessage, await this.outcome(send, sent, sent.reply, listening));
      return await this.replayed(send, sent, sent.reply, userMessage);
    } finally {
      listening.close();
    }
  }

  /** A repeat waits for the reply of the first send, which may have ended long ago. */
  private async replayed(
    send: PersonSend,
    sent: SentMessage,
    reply: NonNullable<SentMessage['reply']>,
    userMessage: MessageResponse,
  ): Promise<{ body: SendResponse; isReplay: boolean }> {
    const listening = this.awaitReply.listen(reply.id);
    try {
      return await this.answered(send, sent, userMessage, await this.outcome(send, sent, reply, listening));
    } finally {
      listening.close();
    }
  }

  private outcome(
    send: PersonSend,
    sent: SentMessage,
    reply: NonNullable<SentMessage['reply']>,
    listening: ReturnType<AwaitReply['listen']>,
  ): Promise<ReplyOutcome> {
    const until = new Date(Date.now() + Math.max(0, reply.leftMs) + GRACE_MS);
    return this.awaitReply.outcome(listening, {
      id: reply.id,
      conversationId: send.conversationId,
      questionSeq: sent.seq,
      looksFirst: sent.isReplay,
      until,
      signal: this.draining.signal,
    });
  }

  private async answered(
    send: PersonSend,
    sent: SentMessage,
    userMessage: MessageResponse,
    outcome: ReplyOutcome,
  ): Promise<{ body: SendResponse; isReplay: boolean }> {
    const kept = { user_message: userMessage };
    if (outcome.status === 'gone') throw new Refusal('conversation_not_found', 'Conversation not found');
    if (outcome.status === 'pending' || sent.reply === null) throw this.pending(kept);
    if (outcome.status === 'failed') throw failure(outcome.code, outcome.retryAfterS, kept);

    const answer = await this.read(send, outcome.answerSeq);
    if (answer === null) throw this.pending(kept);
    return {
      body: { user_message: userMessage, model_message: answer, reply: { id: sent.reply.id, status: 'done' } },
      isReplay: sent.isReplay,
    };
  }

  /** The answer, which its asker has read then; null while a store is away: the answer is there and can be had later. */
  private async read(send: PersonSend, answerSeq: number): Promise<MessageResponse | null> {
    try {
      const {
        items: [answer],
      } = await this.messages.page(send.conversationId, send.authorId, {
        direction: 'after',
        from: answerSeq - 1,
        limit: 1,
      });
      await this.marks.upTo(send.conversationId, send.authorId, answerSeq);
      return answer ? messageResponse(answer) : null;
    } catch (error) {
      if (error instanceof Unavailable) return null;
      throw error;
    }
  }

  private pending(members: Readonly<Record<string, unknown>>): Problem {
    return new Unavailable('assistant', {
      code: 'answer_pending',
      detail:
        'The message is kept and its answer is on its way. Read the messages later, or repeat the send with its client key.',
      retryAfterS: this.draining.isDraining ? 1 : 5,
      members,
    });
  }
}

/** What a failed answer is to a client, in the words of the first contract. `members` go into the problem document. */
export function failure(
  code: FailureCode,
  retryAfterS: number | null,
  members: Readonly<Record<string, unknown>>,
): Problem {
  switch (code) {
    case 'ai_not_configured':
      return new Unavailable('assistant', { code, detail: 'AI service not configured', retryAfterS: 60, members });
    case 'ai_failed':
      return new Unavailable('assistant', {
        code,
        detail:
          'The AI failed on this message. Repeat the request to ask anew, with the same client key if it is a send.',
        retryAfterS: 5,
        members,
      });
    case 'ai_refused':
      return new Unavailable('assistant', {
        code,
        detail: 'The AI provider refuses to answer this message for its content. Send another message.',
        members,
      });
    case 'ai_input_too_long':
      return new Unavailable('assistant', {
        code,
        detail: 'This message alone is longer than the AI model takes. Send a shorter one.',
        members,
      });
    case 'ai_misconfigured':
      return new Unavailable('assistant', {
        code,
        detail: 'The AI provider refuses this server. Tell its operator, whose log says why.',
        retryAfterS: retryAfterS ?? 300,
        members,
      });
    case 'ai_overloaded':
      return new Unavailable('assistant', {
        code,
        detail: 'The AI provider is overloaded. Repeat the request later, with the same client key if it is a send.',
        retryAfterS: retryAfterS ?? 5,
        members,
      });
    case 'ai_timed_out':
      return new Unavailable('assistant', {
        code,
        detail:
          'The AI did not answer in time. Repeat the request to ask anew, with the same client key if it is a send.',
        retryAfterS: retryAfterS ?? 5,
        members,
      });
    case 'ai_quota_exceeded':
      return new Refusal(
        code,
        "The AI provider's quota is used up. Repeat the request later, with the same client key if it is a send.",
        { retryAfterS: retryAfterS ?? 60, members },
      );
    case 'budget_exhausted':
      return new Refusal(
        code,
        'This account has used up its AI tokens. Repeat the request later, with the same client key if it is a send.',
        { retryAfterS: retryAfterS ?? 60, members },
      );
    default:
      return assertNever(code);
  }
}

function userMessageOf(send: PersonSend, sent: SentMessage): MessageResponse {
  return messageResponse({
    id: sent.id,
    conversationId: send.conversationId,
    seq: sent.seq,
    role: 'user',
    authorId: send.authorId,
    authorName: sent.authorName,
    content: send.content,
    clientKey: send.clientKey,
    answersSeq: null,
    createdAt: sent.createdAt,
  });
}
