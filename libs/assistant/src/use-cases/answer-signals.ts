import { Injectable } from '@nestjs/common';
import { ANSWERS_CHANNEL, COMPLETION_KEPT_S, completionKey, type CompletionOutcome } from '@edgechat/contracts';
import { Log } from '@edgechat/platform/logging';
import { Redis } from '@edgechat/platform/redis';

/** Says that an outcome can be read. A signal that is lost costs who waits some seconds. */
@Injectable()
export class AnswerSignals {
  constructor(
    private readonly redis: Redis,
    private readonly log: Log,
  ) {}

  /** Keeps the outcome of a completion for the process that asked, and tells it. @throws Unavailable `redis` */
  async giveOutcome(completionId: string, outcome: CompletionOutcome): Promise<void> {
    await this.redis.run('completion.put', (client) =>
      client.set(this.redis.key(completionKey(completionId)), JSON.stringify(outcome), 'EX', COMPLETION_KEPT_S),
    );
    await this.tell(completionId);
  }

  /** Never throws. */
  async tell(id: string): Promise<void> {
    await this.redis
      .run('signal', (client) => client.publish(this.redis.key(ANSWERS_CHANNEL), id))
      .catch((error: unknown) => this.log.warn('nobody was told of an answer', { error }));
  }
}
