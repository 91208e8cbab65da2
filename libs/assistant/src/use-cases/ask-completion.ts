import { Injectable } from '@nestjs/common';
import { completionKey, completionOutcome, type CompletionOutcome } from '@edgechat/contracts';
import { atMost, newId, Refusal, Slots, Unavailable, type AccountId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Bell } from '@edgechat/platform/queue';
import { Redis } from '@edgechat/platform/redis';
import { DailyUse } from '@edgechat/usage';
import { AwaitAnswer } from './await-answer.js';

const WAITING_MAX = 100;

/** A prompt outside of any conversation, and the request that brought it. */
export interface Prompt {
  readonly accountId: AccountId;
  readonly prompt: string;
  readonly requestId: string;
}

/** Has a worker answer one prompt outside of any conversation. */
@Injectable()
export class AskCompletion {
  private readonly turns = new Map<AccountId, Slots>();

  constructor(
    private readonly answers: AwaitAnswer,
    private readonly bell: Bell,
    private readonly redis: Redis,
    private readonly dailyUse: DailyUse,
    private readonly config: Config,
  ) {}

  /**
   * The outcome, or null when there is none by `until`. Nothing is kept, nothing owed. Of one account so many are under way at once in a process as it may have answers
   * (`AI_CONCURRENCY_PER_ACCOUNT`); further ones wait for their turn, within their time.
   * @throws Refusal `budget_exhausted`: no worker was asked
   * @throws Unavailable `redis` when no worker can be asked; `assistant` when 100 of the account wait already
   */
  async ask(asked: Prompt, until: Date, signal: AbortSignal): Promise<CompletionOutcome | null> {
    const retryAfterS = await this.dailyUse.findTokensRetry(asked.accountId);
    if (retryAfterS !== null)
      throw new Refusal(
        'budget_exhausted',
        'This account has used up its AI tokens. Repeat the request later, as Retry-After says.',
        { retryAfterS },
      );

    const turns = this.turnsOf(asked.accountId);
    const isOver = (): boolean => signal.aborted || Date.now() >= until.getTime();
    const outcome = await atMost(
      until.getTime() - Date.now(),
      turns.run(() => (isOver() ? Promise.resolve(null) : this.askNow(asked, until, signal))),
    );
    if (turns.isIdle) this.turns.delete(asked.accountId);
    return outcome.isLate ? null : outcome.value;
  }

  private turnsOf(accountId: AccountId): Slots {
    const known = this.turns.get(accountId);
    if (known) return known;
    const refuse = (): Error =>
      new Unavailable('assistant', {
        detail: 'Too many prompts of this account wait for their answers. Wait for some of them.',
      });
    const turns = new Slots({ atOnce: this.config.aiConcurrencyPerAccount, waitingMax: WAITING_MAX, refuse });
    this.turns.set(accountId, turns);
    return turns;
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
