import { Injectable } from '@nestjs/common';
import { replyToMessage } from '@edgechat/contracts';
import { SendMessage, StaleReply } from '@edgechat/conversations';
import { pause, reached, Refusal, Unavailable } from '@edgechat/kernel';
import { currentRequestId } from '@edgechat/platform/logging';
import { Bell } from '@edgechat/platform/queue';
import { MeterAnswers, toBill, type BilledCall } from '@edgechat/usage';
import type { FailureCode, RunningReply } from '../domain/reply.js';
import { Replies, type RunCost } from '../persistence/replies.js';
import { AnswerFailed, LanguageModel, type Answer } from '../ports/language-model.js';
import { FailureLog } from './failure-log.js';
import { countedCalls, saidBy } from './stopped-calls.js';
import { waitForProviderS } from './wait-for-provider.js';

const AGAIN_AFTER_MS = 250;

/** One run of a reply. */
export interface Run {
  readonly reply: RunningReply;
  /** Aborts when the process stops: the reply is given back then. */
  readonly stop: AbortSignal;
  /** Aborts when another run has taken the reply. */
  readonly lost: AbortSignal;
}

/** What a run did before it ended. */
interface Spent {
  readonly isInputCut: boolean;
  readonly calls: number;
  readonly failedCalls: readonly BilledCall[];
}

/**
 * Ends runs, each in one statement, which also charges what the run's failed calls are billed for: who dies before it has written nothing, and who dies after it owes nothing. What a run is
 * billed for is charged also when its reply is another's by now: both were made.
 */
@Injectable()
export class EndRuns {
  constructor(
    private readonly replies: Replies,
    private readonly send: SendMessage,
    private readonly model: LanguageModel,
    private readonly usage: MeterAnswers,
    private readonly bell: Bell,
    private readonly failures: FailureLog,
  ) {}

  /** Appends the answer. Where that cannot be, the run is ended as by `withoutAnswer`. */
  async withAnswer(run: Run, answer: Answer, isInputCut: boolean): Promise<void> {
    const { calls, failedCalls } = answer;
    this.failures.answered();
    this.usage.countCalls(run.reply.accountId, failedCalls);
    try {
      await this.append(run, answer, isInputCut);
      reached('reply.appended');
    } catch (error) {
      await this.end(run, error, { isInputCut, calls, failedCalls });
    }
  }

  /**
   * Ends a run that has no answer because of `error`: its reply has failed; or waits for its provider, if that is worth it; or is given back, when the fault is a store's or the process stops.
   * @throws `error` where nobody is to blame for it but a store; Unavailable `postgres`
   */
  async withoutAnswer(run: Run, error: unknown, isInputCut: boolean): Promise<void> {
    const calls = error instanceof AnswerFailed ? countedCalls(error, run.stop) : 0;
    const failedCalls = error instanceof AnswerFailed ? error.failedCalls : [];
    this.usage.countCalls(run.reply.accountId, failedCalls);
    await this.end(run, error, { isInputCut, calls, failedCalls });
  }

  /** Ends a run that called nobody. @throws Unavailable `postgres` */
  async refuse({ reply }: Run, code: FailureCode, retryAfterS: number | null): Promise<void> {
    await this.replies.fail(reply, { code, retryAfterS, calls: 0, bill: null, isInputCut: false });
  }

  private async append(run: Run, answer: Answer, isInputCut: boolean): Promise<void> {
    const { reply } = run;
    const { text: content, ...rest } = answer;
    const sent = await whileThereIsTime(run, () =>
      this.send.send({
        by: 'assistant',
        conversationId: reply.conversationId,
        replyId: reply.id,
        questionSeq: reply.questionSeq,
        epoch: reply.epoch,
        content,
        provider: this.model.provider,
        model: this.model.model,
        isInputCut,
        ...rest,
        requestId: currentRequestId(),
      }),
    );
    this.usage.countCalls(reply.accountId, [answer]);
    // The answer that is there may be another run's: this one's calls were charged with it only if it is its own.
    if (sent.isReplay) await this.usage.chargeBill(this.billOf(reply, answer.failedCalls));
  }

  private async end(run: Run, error: unknown, spent: Spent): Promise<void> {
    const { reply, stop } = run;
    const cost = { calls: spent.calls, bill: this.billOf(reply, spent.failedCalls) };
    if (error instanceof StaleReply || error instanceof Refusal || run.lost.aborted) {
      await this.usage.chargeBill(cost.bill);
      return this.failures.log.info("a run ended: its reply is somebody else's now, or its conversation is gone", {
        replyId: reply.id,
      });
    }
    if (error instanceof AnswerFailed && !stop.aborted) return this.failOrWait(run, error, spent, cost);
    await this.replies.giveBack(reply, cost, error instanceof AnswerFailed ? saidBy(error) : null);
    if (!stop.aborted) throw error;
    await this.bell
      .add([{ job: replyToMessage, payload: { conversationId: reply.conversationId }, requestId: currentRequestId() }])
      .catch(() => undefined);
  }

  private async failOrWait(run: Run, error: AnswerFailed, { isInputCut }: Spent, cost: RunCost): Promise<void> {
    const { reply } = run;
    const { code, retryAfterS } = error;
    const waitS = waitForProviderS(reply, error);
    this.failures.note(error, { replyId: reply.id, asksAgainInS: waitS });
    const failure = { code, retryAfterS, isInputCut, ...cost };
    await whileThereIsTime(run, () =>
      waitS === null ? this.replies.fail(reply, failure) : this.replies.putBack(reply, failure, waitS),
    );
    reached('reply.failed');
  }

  private billOf({ id, accountId, conversationId, epoch }: RunningReply, calls: readonly BilledCall[]): string | null {
    const { provider, model } = this.model;
    return toBill({ id, kind: 'reply', accountId, conversationId, epoch, provider, model }, calls);
  }
}

/** What a run cost time and money for: while PostgreSQL is away it is tried again, as long as the deadline allows. */
async function whileThereIsTime<T>({ reply, stop }: Run, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unavailable) || stop.aborted || Date.now() > reply.endsAt) throw error;
      await pause(AGAIN_AFTER_MS, stop);
    }
  }
}
