import { Injectable } from '@nestjs/common';
import { COMPLETION_KEPT_S, completionKey, type CompletionAsked, type CompletionOutcome } from '@edgechat/contracts';
import { accountId as toAccountId, Unavailable, withDeadline } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis } from '@edgechat/platform/redis';
import { MeterAnswers } from '@edgechat/usage';
import { fitContext } from '../domain/context-window.js';
import { AnswerFailed, LanguageModel } from '../ports/language-model.js';
import { AnswerSignals } from './answer-signals.js';

/** Answers one prompt for a process that waits for it. */
@Injectable()
export class CompletePrompt {
  constructor(
    private readonly model: LanguageModel,
    private readonly usage: MeterAnswers,
    private readonly redis: Redis,
    private readonly signals: AnswerSignals,
    private readonly config: Config,
    private readonly log: Log,
  ) {}

  /** Answers unless the deadline has passed, or the account has used up its tokens; meters once per completion. @throws Unavailable `redis`; `postgres` where tokens are limited */
  async run(asked: CompletionAsked, stop: AbortSignal): Promise<void> {
    const leftMs = Date.parse(asked.deadlineAt) - Date.now();
    if (leftMs <= 0) return;
    const outcome = await withDeadline(leftMs, stop, (signal) => this.outcome(asked, stop, signal));
    await this.redis.run('completion.put', (client) =>
      client.set(this.redis.key(completionKey(asked.completionId)), JSON.stringify(outcome), 'EX', COMPLETION_KEPT_S),
    );
    await this.signals.tell(asked.completionId);
  }

  private async outcome(
    { completionId, accountId, prompt }: CompletionAsked,
    stop: AbortSignal,
    signal: AbortSignal,
  ): Promise<CompletionOutcome> {
    try {
      const retryAfterS = await this.usage.findRetry(toAccountId(accountId));
      if (retryAfterS !== null)
        return { status: 'failed', code: 'ai_quota_exceeded', reason: 'budget_exhausted', retryAfterS };
      const messages = fitContext([{ role: 'user' as const, content: prompt }], this.config.aiContextMaxTokens);
      const { text, tokensIn, tokensOut } = await this.model.complete({ messages, signal });
      await this.usage
        .add({
          id: completionId,
          accountId: toAccountId(accountId),
          provider: this.model.provider,
          model: this.model.model,
          tokensIn,
          tokensOut,
        })
        .catch((error: unknown) => this.log.error('a completion could not be metered', { completionId, error }));
      return { status: 'done', text };
    } catch (error) {
      // A worker that stops leaves it to another, which the queue gives it to.
      if (stop.aborted) throw new Unavailable('assistant', { cause: error });
      if (!(error instanceof AnswerFailed)) throw error;
      return { status: 'failed', code: error.code, retryAfterS: error.retryAfterS };
    }
  }
}
