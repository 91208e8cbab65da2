import { Injectable } from '@nestjs/common';
import { AwaitReply, type ReplyOutcome } from '@edgechat/assistant';
import {
  MarkRead,
  ReadMessages,
  SendMessage,
  type MessageReply,
  type PersonSend,
  type SentMessage,
} from '@edgechat/conversations';
import { newReplyId, Refusal, Unavailable, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Draining } from '../health/draining.js';
import { failure } from './failures.js';
import { messageResponse, replyResponse, type MessageResponse, type SendResponse } from './message.responses.js';

/** The API waits this long past the reply's own deadline, so that its end is seen and not guessed. */
const GRACE_MS = 2_000;
/** As the table of errors names it. */
const CALL = 'POST /chat/conversations/{id}/messages';

export interface NewMessage {
  readonly caller: AccountId;
  readonly conversationId: ConversationId;
  readonly content: string;
  readonly clientKey: string | null;
  readonly requestId: string;
}

type SentReply = NonNullable<SentMessage['reply']>;

/** What a call of a send gives. */
interface Sent {
  readonly body: SendResponse;
  readonly isReplay: boolean;
}

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
   * @throws Refusal `conversation_not_found`, `idempotency_key_reused`, `storage_exhausted`, `budget_exhausted` (with the kept message if this is a repeat, or it was queued before), `ai_quota_exceeded`, `ai_refused`, `ai_input_too_long` (with it)
   * @throws Unavailable `service_unavailable` (fate unknown), other failures of the assistant, `answer_pending` (these with the kept message)
   */
  async execute(message: NewMessage): Promise<Sent> {
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
      if (sent.reply === null || !sent.waitsForAnswer) return await this.unawaited(send, sent);
      if (sent.reply.id === replyId)
        return await this.answered(send, sent, sent.reply, await this.outcome(send, sent, sent.reply, listening));
      return await this.replayed(send, sent, sent.reply);
    } finally {
      listening.close();
    }
  }

  /** What is answered at once. Only of what failed already, and of a repeat, there is more to know of the reply than that it is queued. */
  private async unawaited(send: PersonSend, sent: SentMessage): Promise<Sent> {
    const reply = sent.reply && replyOf(sent.reply, await this.seenBy(send, sent, sent.reply));
    return {
      body: {
        user_message: userMessageOf(send, sent, reply),
        model_message: null,
        reply: reply && replyResponse(reply),
      },
      isReplay: sent.isReplay,
    };
  }

  /** What became of the reply of a send by now; null where it has just been asked for, and while the store is away: the message is kept all the same. */
  private async seenBy(send: PersonSend, sent: SentMessage, reply: SentReply): Promise<ReplyOutcome | null> {
    if (!sent.isReplay && reply.status === 'queued') return null;
    try {
      return await this.awaitReply.find({ conversationId: send.conversationId, questionSeq: sent.seq });
    } catch (error) {
      if (error instanceof Unavailable) return null;
      throw error;
    }
  }

  /** A repeat waits for the reply of the first send, which may have ended long ago. */
  private async replayed(send: PersonSend, sent: SentMessage, reply: SentReply): Promise<Sent> {
    const listening = this.awaitReply.listen(reply.id);
    try {
      return await this.answered(send, sent, reply, await this.outcome(send, sent, reply, listening));
    } finally {
      listening.close();
    }
  }

  private outcome(
    send: PersonSend,
    sent: SentMessage,
    reply: SentReply,
    listening: ReturnType<AwaitReply['listen']>,
  ): Promise<ReplyOutcome | null> {
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
    asked: SentReply,
    outcome: ReplyOutcome | null,
  ): Promise<Sent> {
    const reply = replyOf(asked, outcome);
    const userMessage = userMessageOf(send, sent, reply);
    const members = { user_message: userMessage };
    if (outcome?.status === 'failed') throw failure(outcome, { call: CALL, members });
    if (outcome?.status !== 'done') throw this.pending(members);

    const answer = await this.read(send, outcome.answerSeq);
    if (answer === null) throw this.pending(members);
    return {
      body: { user_message: userMessage, model_message: answer, reply: replyResponse(reply) },
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

  private pending(members: Readonly<Record<string, unknown>>): Unavailable {
    return new Unavailable('assistant', {
      code: 'answer_pending',
      detail:
        'The message is kept and its answer is on its way. Read the messages later, or repeat the send with its client key.',
      retryAfterS: this.draining.isDraining ? 1 : 5,
      members,
    });
  }
}

/**
 * The reply of a send as it was seen last, if it was.
 * @throws Refusal `conversation_not_found` when its conversation was deleted meanwhile
 */
function replyOf({ id, status }: SentReply, outcome: ReplyOutcome | null): MessageReply {
  if (outcome?.status === 'gone') throw new Refusal('conversation_not_found', 'Conversation not found');
  const seen = outcome?.status ?? status;
  const isInputCut = outcome !== null && 'isInputCut' in outcome && outcome.isInputCut;
  // (That it failed is known before why: what is not known is told as the code for the rest.)
  const { code = 'ai_failed', retryAfterS = null } = outcome?.status === 'failed' ? outcome : {};
  return { id, status: seen, isInputCut, failure: seen === 'failed' ? { code, retryAfterS } : null };
}

function userMessageOf(send: PersonSend, sent: SentMessage, reply: MessageReply | null): MessageResponse {
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
    reply,
    finishReason: null,
    createdAt: sent.createdAt,
  });
}
