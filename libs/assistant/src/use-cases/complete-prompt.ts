import { Injectable } from '@nestjs/common';
import type { CompletionAsked, CompletionOutcome } from '@edgechat/contracts';
import { accountId as toAccountId, Unavailable, withDeadline } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { PutOff } from '@edgechat/platform/queue';
import { MeterAnswers } from '@edgechat/usage';
import { fitContext } from '../domain/context-window.js';
import { AnswerFailed, CALLS_MAX, LanguageModel, type AnswerFailedCode } from '../ports/language-model.js';
import { AnswerPlaces, NoPlace } from './answer-places.js';
import { AnswerSignals } from './answer-signals.js';
import { FailureLog } from './failure-log.js';

const AGAIN_AFTER_MS = 1_000;

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
   * Answers, when it is the account's turn, unless the deadline has passed or the account has used up its tokens; meters once per completion.
   * @throws PutOff when the account has enough answers here already @throws Unavailable `redis`; `postgres` where tokens are limited; `assistant` when the process stops
   */
  async run(asked: CompletionAsked, stop: AbortSignal): Promise<void> {
    const leftMs = Date.parse(asked.deadlineAt) - Date.now();
    if (leftMs <= 0) return;
    const account = toAccountId(asked.accountId);
    if (this.places.isFullFor(account)) throw new PutOff(AGAIN_AFTER_MS);

    const outcome = await withDeadline(leftMs, stop, (signal) =>
      this.places
        .run(account, () => this.outcome(asked, stop, signal), signal)
        .catch((error: unknown) => withoutPlace(error, stop)),
    );
    // (Who asked does not wait any more.)
    if (outcome !== null) await this.signals.giveOutcome(asked.completionId, outcome);
  }

  private async outcome(
    { completionId, accountId, prompt, deadlineAt }: CompletionAsked,
    stop: AbortSignal,
    signal: AbortSignal,
  ): Promise<CompletionOutcome> {
    try {
      const retryAfterS = await this.usage.findRetry(toAccountId(accountId));
      if (retryAfterS !== null)
        return { status: 'failed', code: 'ai_quota_exceeded', reason: 'budget_exhausted', retryAfterS };
      const { turns: messages } = fitContext(
        [{ role: 'user' as const, content: prompt }],
        this.config.aiContextMaxTokens,
      );
      const { text, tokensIn, tokensOut } = await this.model.complete({
        messages,
        signal,
        endsAt: Date.parse(deadlineAt),
        callsMax: CALLS_MAX,
      });
      this.failures.answered();
      await this.usage
        .add({
          id: completionId,
          accountId: toAccountId(accountId),
          provider: this.model.provider,
          model: this.model.model,
          tokensIn,
          tokensOut,
        })
        .catch((error: unknown) =>
          this.failures.log.error('a completion could not be metered', { completionId, error }),
        );
      return { status: 'done', text };
    } catch (error) {
      // A worker that stops leaves it to another, which the queue gives it to.
      if (stop.aborted) throw new Unavailable('assistant', { cause: error });
      if (!(error instanceof AnswerFailed)) throw error;
      this.failures.note(error, { completionId });
      return { status: 'failed', code: codeForReleaseBefore(error.code), retryAfterS: error.retryAfterS };
    }
  }
}

/** Null for a prompt whose time was over before its turn. @throws Unavailable when the process stops, so that the queue gives it to another; any other error */
function withoutPlace(error: unknown, stop: AbortSignal): null {
  if (!(error instanceof NoPlace)) throw error;
  if (stop.aborted) throw new Unavailable('assistant', { cause: error });
  return null;
}

/** The code as the release before knows it. */
const codeForReleaseBefore = (code: AnswerFailedCode): 'ai_not_configured' | 'ai_quota_exceeded' | 'ai_failed' =>
  code === 'ai_not_configured' || code === 'ai_quota_exceeded' ? code : 'ai_failed';
