import { Injectable } from '@nestjs/common';
import { completionKey, completionOutcome, type CompletionOutcome } from '@edgechat/contracts';
import { newId, type AccountId } from '@edgechat/kernel';
import { currentRequestId } from '@edgechat/platform/logging';
import { Bell } from '@edgechat/platform/queue';
import { Redis } from '@edgechat/platform/redis';
import { AwaitAnswer } from './await-answer.js';

/** Has a worker answer one prompt outside of any conversation. */
@Injectable()
export class AskCompletion {
  constructor(private readonly answers: AwaitAnswer, private readonly bell: Bell, private readonly redis: Redis) {}

  /** The outcome, or null when there is none by `until`. Nothing is kept, nothing owed. @throws Unavailable `redis` when no worker can be asked */
  async ask(accountId: AccountId, prompt: string, until: Date, signal: AbortSignal): Promise<CompletionOutcome | null> {
    const id = newId();
    const listening = this.answers.listen(id);
    try {
      await this.bell.ring([{ event: 'completion.asked', payload: { completionId: id, accountId, prompt, deadlineAt: until.toISOString() }, requestId: currentRequestId() }]);
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
