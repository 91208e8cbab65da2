import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { atMost, repeat, type ReplyId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import type { RunningReply } from '../domain/reply.js';
import { LEASE_MS, Replies } from '../persistence/replies.js';

const RENEW_EVERY_MS = LEASE_MS / 4;

/** Keeps alive the leases of all replies that this worker runs, with one statement a second. */
@Injectable()
export class Leases implements OnApplicationShutdown {
  private readonly held = new Map<ReplyId, { reply: RunningReply; lost: AbortController }>();
  private readonly loop;

  constructor(
    private readonly replies: Replies,
    log: Log,
  ) {
    this.loop = repeat(
      RENEW_EVERY_MS,
      () => this.renew(),
      (error) => log.warn('leases could not be renewed', { error }),
    );
  }

  /** Holds a reply until `release`; the signal aborts when another run has taken it. */
  hold(reply: RunningReply): { lost: AbortSignal; release: () => void } {
    const lost = new AbortController();
    this.held.set(reply.id, { reply, lost });
    const release = (): void => {
      // A later run of the same reply may be held by now.
      if (this.held.get(reply.id)?.lost === lost) this.held.delete(reply.id);
    };
    return { lost: lost.signal, release };
  }

  async onApplicationShutdown(): Promise<void> {
    await atMost(1_000, this.loop.stop());
  }

  private async renew(): Promise<void> {
    const before = [...this.held.values()];
    if (before.length === 0) return;
    const kept = await this.replies.renew(before.map(({ reply }) => reply));
    for (const { reply, lost } of before) if (!kept.has(reply.id)) lost.abort();
  }
}
