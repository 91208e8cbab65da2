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

  /** What is known of the reply by now. When it is not found, its conversation was deleted. @throws Unavailable `postgres` */
  find(place: ReplyPlace): Promise<ReplyOutcome> {
    return this.replies.look(place);
  }

  /** What became of the reply, or when that is not known by `until`, or the process stops before, what was seen of it last; null if nothing was. Never throws for a store that is away. */
  async outcome(listening: Listening, { id, ...reply }: AwaitedReply): Promise<ReplyOutcome | null> {
    let last: ReplyOutcome | null = null;
    const look = async (): Promise<ReplyOutcome | null> => {
      last = await this.replies.look(reply);
      return last.status === 'queued' || last.status === 'running' ? null : last;
    };
    return (await this.answers.outcome<ReplyOutcome>(listening, { ...reply, id, look })) ?? last;
  }
}
