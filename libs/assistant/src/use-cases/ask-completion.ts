import { Injectable } from '@nestjs/common';
import { completionKey, completionOutcome, type CompletionOutcome } from '@edgechat/contracts';
import { newId, Refusal, withDeadline, type AccountId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Bell } from '@edgechat/platform/queue';
import { Redis } from '@edgechat/platform/redis';
import { DailyUse } from '@edgechat/usage';
import { AwaitAnswer } from './await-answer.js';
import { PromptTurns } from './prompt-turns.js';

/** A prompt outside of any conversation, and the request that brought it. */
export interface Prompt {
  readonly accountId: AccountId;
  readonly prompt: string;
  readonly requestId: string;
}

/** Has a worker answer one prompt outside of any conversation. */
@Injectable()
export class AskCompletion {
  private readonly turns: PromptTurns;

  constructor(
    private readonly answers: AwaitAnswer,
    private readonly bell: Bell,
    private readonly redis: Redis,
    private readonly dailyUse: DailyUse,
    config: Config,
  ) {
    this.turns = new PromptTurns(config.aiConcurrencyPerAccount);
  }

  /**
   * The outcome, or null when there is none by `until`. Nothing is kept, nothing owed. Of one account so many are under way at once in a process as it may have answers
   * (`AI_CONCURRENCY_PER_ACCOUNT`); further ones wait for their turn, within their time.
   * @throws Refusal `budget_exhausted`, and no worker was asked; `too_many_requests` when too many wait already: see PromptTurns
   * @throws Unavailable `redis` when no worker can be asked; `postgres` where tokens are limited
   */
  async ask(asked: Prompt, until: Date, signal: AbortSignal): Promise<CompletionOutcome | null> {
    const retryAfterS = await this.dailyUse.findTokensRetry(asked.accountId);
    if (retryAfterS !== null)
      throw new Refusal(
        'budget_exhausted',
        'This account has used up its AI tokens. Repeat the request later, as Retry-After says.',
        { retryAfterS },
      );

    const bytes = Buffer.byteLength(asked.prompt);
    return withDeadline(until.getTime() - Date.now(), signal, (ended) =>
      this.turns.run(asked.accountId, bytes, () => this.askNow(asked, until, signal), ended),
    );
  }

  private async askNow(
    { accountId, prompt, requestId }: Prompt,
    until: Date,
    signal: AbortSignal,
  ): Promise<CompletionOutcome | null> {
    const id = newId();
    const listening = this.answers.listen(id);
    try {
      await this.bell.ring([
        {
          event: 'completion.asked',
          payload: { completionId: id, accountId, prompt, deadlineAt: until.toISOString() },
          requestId,
        },
      ]);
      return await this.answers.outcome(listening, { id, looksFirst: false, look: () => this.take(id), until, signal });
    } finally {
      listening.close();
    }
  }

  private async take(id: string): Promise<CompletionOutcome | null> {
    const found = await this.redis.run('completion.take', (client) => client.getdel(this.redis.key(completionKey(id))));
    return found === null ? null : completionOutcome.parse(JSON.parse(found));
  }
}
