import { Injectable } from '@nestjs/common';
import { Unavailable } from '@edgechat/kernel';
import { Postgres } from '@edgechat/platform/postgres';
import { DailyUse, type Use } from '@edgechat/usage';
import type { Place } from '../persistence/message-documents.js';
import { sendBatch, type SendLimits, type SendRow } from '../persistence/send-batch.js';
import type { Waiting } from './send-queue.js';

const CONFLICT_TRIES = 3;

/** What the ledger said of a batch, in the order of its sends. */
export interface Written {
  readonly rows: readonly SendRow[];
  /** True of a send that was refused for more than was certainly used: judged once more, after `settled`, it may be let through. */
  readonly isDoubtful: (n: number) => boolean;
}

/**
 * Writes batches of sends into the ledger, within what their authors may use in a day.
 *
 * What must hold: the texts that an account sent through this process and those that it is sending never go beyond the limit together, however many batches are under way. So each send is
 * judged by what PostgreSQL has, what this process counted since, and all sends before it whose fate is not known yet. That may be too much: a count that is being written
 * may be in PostgreSQL already, and a send before it may come to nothing.
 */
@Injectable()
export class SendLedger {
  constructor(
    private readonly postgres: Postgres,
    private readonly dailyUse: DailyUse,
  ) {}

  /** Writes a batch in one round trip, and counts what was sent. A conflict is tried again. @throws as sendBatch */
  async write(batch: readonly Waiting[], stored: readonly Place[]): Promise<Written> {
    const daily = batch.some(({ send }) => send.by === 'person') ? this.dailyUse.findLimits() : null;
    if (daily === null) return { rows: await this.writeSends(batch, stored, null), isDoubtful: () => false };

    const writes = this.dailyUse.writesSoFar;
    const before = batch.map((one) => this.reserve(one));
    try {
      const limits = { daily, pending: before.map((one) => one?.use ?? null) };
      const rows = await this.writeSends(batch, stored, limits);
      batch.forEach((one, n) => this.count(one, rows[n]));
      const isCertain = writes !== null && writes === this.dailyUse.writesSoFar;
      const isDoubtful = (n: number): boolean => {
        const outcome = rows[n]?.outcome;
        if (outcome === 'storage_exhausted') return !isCertain || before[n]?.isBeside === true;
        return outcome === 'budget_exhausted' && !isCertain;
      };
      return { rows, isDoubtful };
    } finally {
      for (const one of batch) this.release(one);
    }
  }

  /** Resolves when what is doubtful is worth being judged once more. Never rejects. */
  settled(): Promise<void> {
    return this.dailyUse.settled();
  }

  private async writeSends(
    batch: readonly Waiting[],
    stored: readonly Place[],
    limits: SendLimits | null,
  ): Promise<readonly SendRow[]> {
    const sends = batch.map(({ send }) => send);
    for (let triesLeft = CONFLICT_TRIES; ; triesLeft -= 1) {
      try {
        return await sendBatch(this.postgres, sends, stored, limits);
      } catch (error) {
        if (triesLeft <= 1 || !isConflict(error)) throw error;
      }
    }
  }

  /** What a person used before this send, and whether other sends of theirs are part of that; holds the bytes of this one. Null for the assistant, whom nothing limits. */
  private reserve({ send, bytes }: Waiting): { readonly use: Use; readonly isBeside: boolean } | null {
    if (send.by !== 'person') return null;
    const before = { use: this.dailyUse.pendingOf(send.authorId), isBeside: this.dailyUse.isSending(send.authorId) };
    this.dailyUse.reserveText(send.authorId, bytes);
    return before;
  }

  private release({ send, bytes }: Waiting): void {
    if (send.by === 'person') this.dailyUse.releaseText(send.authorId, bytes);
  }

  private count({ send, bytes }: Waiting, row: SendRow | undefined): void {
    if (send.by === 'person' && row?.outcome === 'sent') this.dailyUse.countText(send.authorId, bytes);
  }
}

/** Deadlock and serialization failure: worth the same batch again, at once. */
const isConflict = (error: unknown): boolean => /^40/.test(rolledBackAs(error) ?? '');

/** The SQLSTATE of a failure that certainly wrote nothing, though the store is there: a conflict, or a lock or statement that took too long. Null for all else. */
export function rolledBackAs(error: unknown): string | null {
  const cause = error instanceof Unavailable ? error.options.cause : null;
  return cause instanceof Error &&
    'code' in cause &&
    typeof cause.code === 'string' &&
    /^(40|55P03|57014)/.test(cause.code)
    ? cause.code
    : null;
}
