import { Injectable } from '@nestjs/common';
import type { ReplyId } from '@edgechat/kernel';
import type { ReplyOutcome } from '../domain/reply.js';
import { Replies, type ReplyPlace } from '../persistence/replies.js';
import { AwaitAnswer, type Listening } from './await-answer.js';

interface AwaitedReply extends ReplyPlace {
  readonly id: ReplyId;
  readonly looksFirst: boolean;
  readonly until: Date;
  readonly signal: AbortSignal;
}

/** Lets who sent a message wait for its answer. */
@Injectable()
export class AwaitReply {
  constructor(
    private readonly answers: AwaitAnswer,
    private readonly replies: Replies,
  ) {}

  /** Begins to listen for a reply that need not exist yet; call `close` in the end. */
  listen(id: ReplyId): Listening {
    return this.answers.listen(id);
  }

  /** What became of the reply; `pending` when that is not known by `until`, or the process stops before. Never throws for a store that is away. */
  async outcome(listening: Listening, { id, ...reply }: AwaitedReply): Promise<ReplyOutcome> {
    const look = async (): Promise<ReplyOutcome | null> => {
      const found = await this.replies.look(reply);
      return found.status === 'pending' ? null : found;
    };
    return (await this.answers.outcome<ReplyOutcome>(listening, { ...reply, id, look })) ?? { status: 'pending' };
  }
}
