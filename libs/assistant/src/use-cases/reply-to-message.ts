import { Injectable } from '@nestjs/common';
import { replyToMessage } from '@edgechat/contracts';
import { reached, Unavailable, withDeadline } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Bell } from '@edgechat/platform/queue';
import { MeterAnswers } from '@edgechat/usage';
import type { RunningReply } from '../domain/reply.js';
import { Replies, type NextQuestion } from '../persistence/replies.js';
import { CALLS_MAX, LanguageModel, type Answer } from '../ports/language-model.js';
import { AnswerPlaces, NoPlace } from './answer-places.js';
import { AnswerSignals } from './answer-signals.js';
import { EndRuns, type Run } from './end-runs.js';
import { Leases } from './leases.js';
import { ReadHistory } from './read-history.js';

/** The tools of a run, gathered so that they are one argument. */
@Injectable()
export class ReplyTools {
  constructor(
    readonly replies: Replies,
    readonly leases: Leases,
    readonly history: ReadHistory,
    readonly ends: EndRuns,
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
    if (claim.status === 'mine') await this.tools.replies.giveBack(claim.reply, { calls: 0, bill: null });
    if (claim.status === 'ended') await this.tools.signals.tell(claim.reply.id);
    return claim.status === 'ended';
  }

  private async answer(reply: RunningReply, stop: AbortSignal): Promise<void> {
    const lease = this.tools.leases.hold(reply);
    try {
      await this.runOnce({ reply, stop, lost: lease.lost });
    } finally {
      lease.release();
    }
  }

  private async runOnce(run: Run): Promise<void> {
    const { reply } = run;
    let isInputCut = false;
    let answer: Answer;
    try {
      const retryAfterS = await this.usage.findRetry(reply.accountId);
      if (retryAfterS !== null) return await this.tools.ends.refuse(run, 'budget_exhausted', retryAfterS);
      const callsMax = CALLS_MAX - reply.calls;
      if (callsMax < 1) return await this.tools.ends.refuse(run, reply.putBackFor ?? 'ai_failed', null);

      const context = await this.tools.history.read(reply);
      isInputCut = context.isInputCut;
      const signal = AbortSignal.any([run.stop, run.lost]);
      answer = await withDeadline(reply.endsAt - Date.now(), signal, (ended) =>
        this.model.complete({ messages: context.turns, signal: ended, endsAt: reply.endsAt, callsMax }),
      );
    } catch (error) {
      return this.tools.ends.withoutAnswer(run, error, isInputCut);
    }
    reached('reply.answered');
    await this.tools.ends.withAnswer(run, answer, isInputCut);
  }

  /** Replies that waited because their account had enough running may go on now. */
  private async ringForNext(reply: RunningReply): Promise<void> {
    const next = await this.tools.replies.listNextOf(reply, this.config.aiConcurrencyPerAccount);
    await this.tools.bell
      .add(next.map((conversationId) => ({ job: replyToMessage, payload: { conversationId }, requestId: null })))
      .catch(() => undefined);
  }
}
