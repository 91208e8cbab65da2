import { Injectable } from '@nestjs/common';
import { Replies } from '@edgechat/assistant/worker';
import { JOBS, replyToMessage, type AnyJob, type DebtKind } from '@edgechat/contracts';
import { repeat } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Outbox } from '@edgechat/platform/outbox';
import { Bell, type Ring } from '@edgechat/platform/queue';

const EVERY_MS = 1_000;

/**
 * Rings again for what is owed and should have been done by now: its ring, or the whole queue, was lost. Decides by PostgreSQL alone; ringing for work under way does no harm.
 * Each worker has one.
 */
@Injectable()
export class Relay {
  private loop: { stop: () => Promise<void> } | null = null;

  constructor(
    private readonly outbox: Outbox,
    private readonly replies: Replies,
    private readonly bell: Bell,
    private readonly log: Log,
  ) {}

  start(): void {
    this.loop = repeat(
      EVERY_MS,
      () => this.ringForDue(),
      (error) => this.log.warn('the relay could not look or ring', { error }),
    );
  }

  async stop(): Promise<void> {
    await this.loop?.stop();
  }

  private async ringForDue(): Promise<void> {
    const [debts, replies] = await Promise.all([this.outbox.listDue(), this.replies.listDue()]);
    const rings: Ring[] = [
      ...debts.flatMap(({ conversation_id: conversationId, kind }) => ringFor(jobFor(kind), conversationId)),
      ...replies.flatMap((conversationId) => ringFor(replyToMessage, conversationId)),
    ];
    if (rings.length > 0) await this.bell.add(rings);
  }
}

const jobFor = (kind: DebtKind): AnyJob | undefined => Object.values<AnyJob>(JOBS).find(({ pays }) => pays === kind);
const ringFor = (job: AnyJob | undefined, conversationId: string): Ring[] =>
  job ? [{ job, payload: { conversationId }, requestId: null }] : [];
