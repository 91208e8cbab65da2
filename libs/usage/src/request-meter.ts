import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { atMost, repeat, type AccountId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { RequestBatch } from './request-batch.js';
import { RequestCounts } from './request-counts.js';

/** With what a flush takes, a count is in PostgreSQL well within the promised second. */
const FLUSH_EVERY_MS = 500;
/** How long a stopping process goes on trying. */
const LAST_FLUSH_MS = 1_500;

/**
 * Counts requests in memory and writes them in batches, so that no request waits for its count. A batch is tried until it is written, exactly once even when the answer
 * to a write was lost; what came meanwhile gathers in the next one. A normal stop loses nothing; a kill loses at most the last half second.
 */
@Injectable()
export class RequestMeter implements OnApplicationBootstrap, OnApplicationShutdown {
  private gathering = new RequestBatch();
  /** What is being written; kept until it is known to be written. */
  private writing: RequestBatch | null = null;
  /** The transaction whose fate is unknown, if there is one. */
  private doubtfulXid: string | null = null;
  private flushing: Promise<void> | null = null;
  private loop: { stop: () => Promise<void> } | null = null;
  private isFailing = false;

  constructor(
    private readonly counts: RequestCounts,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.loop ??= repeat(
      FLUSH_EVERY_MS,
      () => this.flush(),
      (error) => this.noteFailure(error),
    );
  }

  /** After the last request was answered, and before the pool closes (modules further from the root stop later). */
  async onApplicationShutdown(): Promise<void> {
    void this.loop?.stop();
    await atMost(
      LAST_FLUSH_MS,
      this.flushRest().catch((error: unknown) => this.noteFailure(error)),
    );
  }

  /** Counts one request of an account, now. Costs no I/O. */
  count(accountId: AccountId): void {
    this.gathering.count(accountId, Date.now());
  }

  /** Writes what was counted until now. Calls at the same time share the work. @throws Unavailable `postgres`; the counts are kept for the next call */
  flush(): Promise<void> {
    this.flushing ??= this.flushNow().finally(() => {
      this.flushing = null;
    });
    return this.flushing;
  }

  /** A flush under way does not have the latest counts; the second one has. */
  private async flushRest(): Promise<void> {
    await this.flushing?.catch(() => undefined);
    await this.flush();
    if (!this.gathering.isEmpty) await this.flush();
  }

  private async flushNow(): Promise<void> {
    if (this.writing === null) {
      if (this.gathering.isEmpty) return;
      this.writing = this.gathering;
      this.gathering = new RequestBatch();
    }
    if (!(await this.isWrittenAlready())) await this.write(this.writing);
    if (this.writing.dropped > 0)
      this.log.error('requests were not counted: too many accounts between two writes', {
        requests: this.writing.dropped,
      });
    this.writing = null;
    this.doubtfulXid = null;
    if (this.isFailing) this.log.info('request counts are written again');
    this.isFailing = false;
  }

  private async write(batch: RequestBatch): Promise<void> {
    this.doubtfulXid = null;
    await this.counts.add(batch.toRows(), (xid) => {
      this.doubtfulXid = xid;
    });
  }

  private async isWrittenAlready(): Promise<boolean> {
    return this.doubtfulXid !== null && this.counts.isCommitted(this.doubtfulXid);
  }

  private noteFailure(error: unknown): void {
    if (!this.isFailing) this.log.warn('request counts could not be written; they are kept and tried again', { error });
    this.isFailing = true;
  }
}
