import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { failedCompletion, type CompletionAsked, type CompletionOutcome, type FailureCode } from '@edgechat/contracts';
import { accountId as toAccountId, Unavailable, withDeadline } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { PutOff } from '@edgechat/platform/queue';
import { MeterAnswers, type BilledCall } from '@edgechat/usage';
import { fitContext } from '../domain/context-window.js';
import { AnswerFailed, CALLS_MAX, LanguageModel, type Answer } from '../ports/language-model.js';
import { AnswerPlaces, NoPlace } from './answer-places.js';
import { AnswerSignals } from './answer-signals.js';
import { FailureLog } from './failure-log.js';
import { countedCalls, saidBy } from './stopped-calls.js';
import { waitForProviderS } from './wait-for-provider.js';

const AGAIN_AFTER_S = 1;
const RUN_MAX = 2 ** 31 - 1;

/** Answers one prompt for a process that waits for it. */
@Injectable()
export class CompletePrompt {
  constructor(
    private readonly model: LanguageModel,
    private readonly usage: MeterAnswers,
    private readonly signals: AnswerSignals,
    private readonly places: AnswerPlaces,
    private readonly config: Config,
    private readonly failures: FailureLog,
  ) {}

  /**
   * Answers, when it is the account's turn, unless the deadline has passed or the account has used up its tokens; charges once per completion, with its end.
   * @throws PutOff when the account has enough answers here already; when the provider may answer later, within the deadline, or the process stops: with the calls that were made, and what they cost
   * @throws Unavailable `redis`; `postgres` where tokens are limited; `assistant` when the process stops before it is the account's turn
   */
  async run(asked: CompletionAsked, stop: AbortSignal): Promise<void> {
    const leftMs = Date.parse(asked.deadlineAt) - Date.now();
    if (leftMs <= 0) return this.charge(asked, [], null);
    const account = toAccountId(asked.accountId);
    if (this.places.isFullFor(account)) throw new PutOff(AGAIN_AFTER_S * 1_000);

    const outcome = await withDeadline(leftMs, stop, (signal) =>
      this.places
        .run(account, () => this.outcome(asked, stop, signal), signal)
        .catch((error: unknown) => withoutPlace(error, stop)),
    );
    // (Who asked does not wait any more.)
    if (outcome === null) return this.charge(asked, [], null);
    await this.signals.giveOutcome(asked.completionId, outcome);
  }

  private async outcome(asked: CompletionAsked, stop: AbortSignal, signal: AbortSignal): Promise<CompletionOutcome> {
    const retryAfterS = await this.usage.findRetry(toAccountId(asked.accountId));
    if (retryAfterS !== null) return this.refused(asked, 'budget_exhausted', retryAfterS);
    const callsMax = CALLS_MAX - (asked.calls ?? 0);
    if (callsMax < 1) return this.refused(asked, asked.failure ?? 'ai_failed', null);

    const prompt = [{ role: 'user' as const, content: asked.prompt }];
    const { turns: messages, isInputCut } = fitContext(prompt, this.config.aiContextMaxTokens);
    const endsAt = Date.parse(asked.deadlineAt);
    try {
      const answer = await this.model.complete({ messages, signal, endsAt, callsMax });
      this.failures.answered();
      await this.charge(asked, answer.failedCalls, answer);
      return { status: 'done', text: answer.text, finishReason: answer.finishReason, isInputCut };
    } catch (error) {
      if (!(error instanceof AnswerFailed)) throw stop.aborted ? new Unavailable('assistant', { cause: error }) : error;
      if (!stop.aborted) this.failures.note(error, { completionId: asked.completionId });
      const wait = { calls: asked.calls ?? 0, endsAt, isWaitedFor: true, putBackFor: null };
      const waitS = stop.aborted ? AGAIN_AFTER_S : waitForProviderS(wait, error);
      if (waitS !== null) throw new PutOff(waitS * 1_000, this.again(asked, error, stop));
      await this.charge(asked, error.failedCalls, null);
      return failedCompletion(error.code, { retryAfterS: error.retryAfterS, isInputCut });
    }
  }

  /** The outcome of a prompt for which nobody is called any more. */
  private async refused(
    asked: CompletionAsked,
    code: FailureCode,
    retryAfterS: number | null,
  ): Promise<CompletionOutcome> {
    await this.charge(asked, [], null);
    return failedCompletion(code, { retryAfterS, isInputCut: false });
  }

  /**
   * The prompt as it comes again. What its calls are billed for is charged with the outcome: the release before, which may give it, charges its answer only if there is no row of the completion yet.
   * The tokens are used now.
   */
  private again(asked: CompletionAsked, error: AnswerFailed, stop: AbortSignal): CompletionAsked {
    const epoch = randomInt(1, RUN_MAX);
    this.usage.countCalls(toAccountId(asked.accountId), error.failedCalls);
    return {
      ...asked,
      calls: (asked.calls ?? 0) + countedCalls(error, stop),
      failure: saidBy(error)?.code ?? asked.failure,
      failedCalls: [...(asked.failedCalls ?? []), ...error.failedCalls.map((call) => ({ epoch, ...call }))],
    };
  }

  /** Charges what a prompt used, with its runs before. An answer that cannot be charged is given all the same. */
  private async charge(asked: CompletionAsked, failed: readonly BilledCall[], answer: Answer | null): Promise<void> {
    const { completionId, accountId, failedCalls = [] } = asked;
    const { provider, model } = this.model;
    const run = { id: completionId, accountId: toAccountId(accountId), provider, model, run: randomInt(1, RUN_MAX) };
    await this.usage
      .charge(run, [...failedCalls, ...failed], answer)
      .catch((error: unknown) => this.failures.log.error('a completion could not be metered', { completionId, error }));
  }
}

/** Null for a prompt whose time was over before its turn. @throws Unavailable when the process stops, so that the queue gives it to another; any other error */
function withoutPlace(error: unknown, stop: AbortSignal): null {
  if (!(error instanceof NoPlace)) throw error;
  if (stop.aborted) throw new Unavailable('assistant', { cause: error });
  return null;
}
