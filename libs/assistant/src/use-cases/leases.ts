import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { pause, repeat, type ReplyId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import type { RunningReply } from '../domain/reply.js';
import { LEASE_MS, Replies } from '../persistence/replies.js';

const RENEW_EVERY_MS = LEASE_MS / 4;

/** Keeps alive the leases of all replies that this worker runs, with one statement a second. */
@Injectable()
export class Leases implements OnApplicationShutdown {
  private readonly held = new Map<ReplyId, { reply: RunningReply; lost: AbortController }>();
  private readonly loop;

  constructor(private readonly replies: Replies, log: Log) {
    this.loop = repeat(RENEW_EVERY_MS, () => this.renew(), (error) => log.warn('leases could not be renewed', { error }));
  }

  /** Holds a reply until `release`; the signal aborts when another run has taken it. */
  hold(reply: RunningReply): { lost: AbortSignal; release: () => void } {
    const lost = new AbortController();
    this.held.set(reply.id, { reply, lost });
    return { lost: lost.signal, release: () => void this.held.delete(reply.id) };
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.race([this.loop.stop(), pause(1_000)]);
  }

  private async renew(): Promise<void> {
    const before = [...this.held.values()];
    if (before.length === 0) return;
    const kept = await this.replies.renew(before.map(({ reply }) => reply));
    for (const { reply, lost } of before) if (!kept.has(reply.id)) lost.abort();
  }
}
