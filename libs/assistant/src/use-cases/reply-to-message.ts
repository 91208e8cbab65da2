import { Injectable } from '@nestjs/common';
import { replyToMessage } from '@edgechat/contracts';
import { ReadMessages, SendMessage, StaleReply } from '@edgechat/conversations';
import { pause, reached, Refusal, Unavailable, withDeadline } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { currentRequestId } from '@edgechat/platform/logging';
import { Bell } from '@edgechat/platform/queue';
import { MeterAnswers } from '@edgechat/usage';
import { contextOf, turnTokens, type Context } from '../domain/context-window.js';
import { TOKEN_MAX_BYTES } from '../domain/count-tokens.js';
import type { RunningReply } from '../domain/reply.js';
import { Replies, type NextQuestion } from '../persistence/replies.js';
import { AnswerFailed, CALLS_MAX, LanguageModel, type Answer, type ChatTurn } from '../ports/language-model.js';
import { AnswerPlaces, NoPlace } from './answer-places.js';
import { FailureLog } from './failure-log.js';
import { Leases } from './leases.js';
import { AnswerSignals } from './answer-signals.js';

const APPEND_AGAIN_MS = 250;
const HISTORY_PAGE = 100;
const HISTORY_MAX_PAGES = 10;

/** The tools of a run, gathered so that they are one argument. */
@Injectable()
export class ReplyTools {
  constructor(
    readonly replies: Replies,
    readonly leases: Leases,
    readonly messages: ReadMessages,
    readonly send: SendMessage,
    readonly signals: AnswerSignals,
    readonly bell: Bell,
  ) {}
}

/**
 * Answers questions. What must hold: of a question there is at most one answer, and its tokens are charged once, however many runs there were. The run that holds the lease in the reply's
 * epoch may end it; the append checks both in its own transaction. Whose tokens of the day are used up has no model called: only what runs already goes beyond them. A run that ends without a word (crash, kill) is followed by another when its lease is over.
 */
@Injectable()
export class ReplyToMessage {
  constructor(
    private readonly tools: ReplyTools,
    private readonly model: LanguageModel,
    private readonly usage: MeterAnswers,
    private readonly places: AnswerPlaces,
    private readonly config: Config,
    private readonly failures: FailureLog,
  ) {}

  /**
   * Answers what waits in a conversation, lowest question first, each when it is the turn of the account that asked it, until a look finds nothing. `signal` aborts when the worker stops: the
   * reply under way is given back then.
   * @throws Unavailable when a store is away, or the worker stops before it is the account's turn; the reply stays owed
   */
  async run(conversationId: string, signal: AbortSignal): Promise<void> {
    for (let goesOn = true; goesOn && !signal.aborted;) {
      const next = await this.tools.replies.findNext(conversationId);
      if (!next) return;
      // Its end rings for this one: further ones of the account do not stand here before those of others.
      if (this.places.isFullFor(next.accountId)) return this.tools.replies.putOff(next);
      goesOn = await this.answerInTurn(next, signal);
    }
  }

  /** @returns false when there is nothing more to do in the conversation for now */
  private async answerInTurn(next: NextQuestion, stop: AbortSignal): Promise<boolean> {
    const { accountId, conversationId } = next;
    try {
      const ended = await withDeadline(next.endsAt - Date.now(), stop, (signal) =>
        this.places.run(accountId, () => this.answerNext(conversationId, stop), signal),
      );
      // Only now that the place is free: what is rung for must find it.
      if (ended) await this.ringForNext(ended);
      return ended !== null;
    } catch (error) {
      if (!(error instanceof NoPlace)) throw error;
      if (stop.aborted) throw new Unavailable('assistant', { cause: error });
      return this.endOverdue(conversationId);
    }
  }

  /** The reply that was ended, or given back; null when there was none to be had. */
  private async answerNext(conversationId: string, stop: AbortSignal): Promise<RunningReply | null> {
    const claim = await this.tools.replies.claim(conversationId, this.config.aiConcurrencyPerAccount);
    if (claim.status === 'none' || claim.status === 'waits') return null;
    if (claim.status === 'mine') await this.answer(claim.reply, stop);
    await this.tools.signals.tell(claim.reply.id);
    return claim.reply;
  }

  /** Its time was over before its turn came: the claim ends it. One that is asked anew meanwhile is given back, since there is no place for it. */
  private async endOverdue(conversationId: string): Promise<boolean> {
    const claim = await this.tools.replies.claim(conversationId, this.config.aiConcurrencyPerAccount);
    if (claim.status === 'mine') await this.tools.replies.giveBack(claim.reply);
    if (claim.status === 'ended') await this.tools.signals.tell(claim.reply.id);
    return claim.status === 'ended';
  }

  private async answer(reply: RunningReply, stop: AbortSignal): Promise<void> {
    const lease = this.tools.leases.hold(reply);
    try {
      const retryAfterS = await this.usage.findRetry(reply.accountId);
      if (retryAfterS !== null) return await this.tools.replies.fail(reply, 'budget_exhausted', retryAfterS);
      const { turns: messages } = await this.history(reply);
      const answer = await withDeadline(reply.endsAt - Date.now(), AbortSignal.any([stop, lease.lost]), (signal) =>
        this.model.complete({ messages, signal, endsAt: reply.endsAt, callsMax: CALLS_MAX }),
      );
      this.failures.answered();
      reached('reply.answered');
      await this.append(reply, answer, stop);
      reached('reply.appended');
    } catch (error) {
      await this.end(reply, error, stop.aborted, lease.lost.aborted);
    } finally {
      lease.release();
    }
  }

  private async end(reply: RunningReply, error: unknown, isStopping: boolean, isLost: boolean): Promise<void> {
    const isOver = error instanceof StaleReply || error instanceof Refusal || isLost;
    if (isOver)
      return this.failures.log.info("a run ended: its reply is somebody else's now, or its conversation is gone", {
        replyId: reply.id,
      });
    if (error instanceof AnswerFailed && !isStopping) {
      this.failures.note(error, { replyId: reply.id });
      return this.tools.replies.fail(reply, error.code, error.retryAfterS);
    }
    await this.tools.replies.giveBack(reply);
    if (!isStopping) throw error;
    await this.tools.bell
      .add([{ job: replyToMessage, payload: { conversationId: reply.conversationId }, requestId: currentRequestId() }])
      .catch(() => undefined);
  }

  /** An answer cost time and money: while PostgreSQL is away the append is tried again, as long as the deadline allows. */
  private async append(reply: RunningReply, answer: Answer, stop: AbortSignal): Promise<void> {
    for (;;) {
      try {
        const { text, failedCalls: _failed, isHistoryRefused: _refused, ...usage } = answer;
        await this.tools.send.send({
          by: 'assistant',
          conversationId: reply.conversationId,
          replyId: reply.id,
          questionSeq: reply.questionSeq,
          epoch: reply.epoch,
          content: text,
          provider: this.model.provider,
          model: this.model.model,
          ...usage,
          requestId: currentRequestId(),
        });
        return this.usage.countAnswer(reply.accountId, usage);
      } catch (error) {
        if (!(error instanceof Unavailable) || stop.aborted || Date.now() > reply.endsAt) throw error;
        await pause(APPEND_AGAIN_MS, stop);
      }
    }
  }

  /** As much of what was said up to the question as fits into the model's window, the question last. */
  private async history(reply: RunningReply): Promise<Context<ChatTurn>> {
    const maxTokens = this.config.aiContextMaxTokens;
    const messages = [...(await this.tools.messages.answersAfter(reply.conversationId, reply.questionSeq))];
    let tokens = 0;
    let below = reply.questionSeq;
    for (let page = 0; page < HISTORY_MAX_PAGES && below > 0 && tokens < maxTokens; page += 1) {
      const older = await this.tools.messages.upTo(
        reply.conversationId,
        below,
        HISTORY_PAGE,
        maxTokens * TOKEN_MAX_BYTES,
      );
      messages.push(...older);
      tokens += older.reduce((sum, { content }) => sum + turnTokens({ content }), 0);
      below = (older[0]?.seq ?? 1) - 1;
    }
    if (!messages.some(({ seq }) => seq === reply.questionSeq))
      throw new Refusal('conversation_not_found', 'Conversation not found');
    return contextOf(reply.kind, messages, maxTokens);
  }

  /** Replies that waited because their account had enough running may go on now. */
  private async ringForNext(reply: RunningReply): Promise<void> {
    const next = await this.tools.replies.listNextOf(reply, this.config.aiConcurrencyPerAccount);
    await this.tools.bell
      .add(next.map((conversationId) => ({ job: replyToMessage, payload: { conversationId }, requestId: null })))
      .catch(() => undefined);
  }
}
