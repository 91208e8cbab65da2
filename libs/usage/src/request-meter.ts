import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { AccountId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { GatheredCounts } from './gathered-counts.js';
import { RequestBatch } from './request-batch.js';
import { RequestCounts } from './request-counts.js';

/** Counts requests in memory and writes them each half second, exactly once even when the answer to a write was lost. */
@Injectable()
export class RequestMeter implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly gathered: GatheredCounts<RequestBatch>;
  /** The transaction whose fate is unknown, if there is one. */
  private doubtfulXid: string | null = null;

  constructor(
    private readonly counts: RequestCounts,
    log: Log,
  ) {
    this.gathered = new GatheredCounts(
      () => new RequestBatch(),
      (batch) => this.write(batch),
      log,
      'requests',
    );
  }

  onApplicationBootstrap(): void {
    this.gathered.start();
  }

  /** After the last request was answered, and before the pool closes (modules further from the root stop later). */
  async onApplicationShutdown(): Promise<void> {
    await this.gathered.stop();
  }

  /** Counts one request of an account, now. Costs no I/O. */
  count(accountId: AccountId): void {
    this.gathered.gathering.count(accountId, Date.now());
  }

  /** Writes what was counted until now. Calls at the same time share the work. @throws Unavailable `postgres`; the counts are kept for the next call */
  flush(): Promise<void> {
    return this.gathered.flush();
  }

  private async write(batch: RequestBatch): Promise<void> {
    const isWritten = this.doubtfulXid !== null && (await this.counts.isCommitted(this.doubtfulXid));
    this.doubtfulXid = null;
    if (isWritten) return;
    await this.counts.add(batch.toRows(), (xid) => {
      this.doubtfulXid = xid;
    });
    this.doubtfulXid = null;
  }
}
