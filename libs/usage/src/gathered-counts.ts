import { atMost, repeat } from '@edgechat/kernel';
import type { Log } from '@edgechat/platform/logging';

/** With what a write takes, a count is in PostgreSQL well within the promised second. */
const WRITE_EVERY_MS = 500;
/** How long a stopping process goes on trying. */
const LAST_WRITE_MS = 1_500;

/** What was counted between two writes. Bounded: what finds no room is dropped, and told. */
export interface CountBatch {
  readonly isEmpty: boolean;
  /** Counts that found no room. */
  readonly dropped: number;
}

/**
 * Gathers counts in memory and writes them in batches, so that nobody waits for a count. A batch is tried until it is written; what comes meanwhile gathers in the next one.
 * A normal stop loses nothing; a kill loses at most the last half second.
 */
export class GatheredCounts<Batch extends CountBatch> {
  private latest: Batch;
  /** What is being written; kept until it is known to be written. */
  private writing: Batch | null = null;
  private running: Promise<void> | null = null;
  private loop: { stop: () => Promise<void> } | null = null;
  private isFailing = false;

  /**
   * @param write writes a batch; when it rejects it is called with the same batch again
   * @param what what is counted, as the log names it
   */
  constructor(
    private readonly makeBatch: () => Batch,
    private readonly write: (batch: Batch) => Promise<void>,
    private readonly log: Log,
    private readonly what: string,
  ) {
    this.latest = makeBatch();
  }

  /** The batch that counts now. */
  get gathering(): Batch {
    return this.latest;
  }

  /** The batch that is being written, or waits to be tried again; null when all but `gathering` is known to be written. */
  get unwritten(): Batch | null {
    return this.writing;
  }

  start(): void {
    this.loop ??= repeat(
      WRITE_EVERY_MS,
      () => this.flush(),
      (error) => this.noteFailure(error),
    );
  }

  /** Writes what is there, and stops. Takes at most 1.5 s; never rejects. */
  async stop(): Promise<void> {
    void this.loop?.stop();
    await atMost(
      LAST_WRITE_MS,
      this.flushRest().catch((error: unknown) => this.noteFailure(error)),
    );
  }

  /** Writes what was counted until now. Calls at the same time share the work. @throws Unavailable `postgres`; the counts are kept for the next call */
  flush(): Promise<void> {
    this.running ??= this.flushNow().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** Resolves when no write is under way. Never rejects. */
  async settled(): Promise<void> {
    await this.running?.catch(() => undefined);
  }

  /** A flush under way does not have the latest counts; the second one has. */
  private async flushRest(): Promise<void> {
    await this.settled();
    await this.flush();
    if (!this.latest.isEmpty) await this.flush();
  }

  private async flushNow(): Promise<void> {
    if (this.writing === null) {
      if (this.latest.isEmpty) return;
      this.writing = this.latest;
      this.latest = this.makeBatch();
    }
    await this.write(this.writing);
    if (this.writing.dropped > 0)
      this.log.error(`${this.what} were not counted: too many accounts between two writes`, {
        dropped: this.writing.dropped,
      });
    this.writing = null;
    if (this.isFailing) this.log.info(`${this.what} are written again`);
    this.isFailing = false;
  }

  private noteFailure(error: unknown): void {
    if (!this.isFailing)
      this.log.warn(`counts of ${this.what} could not be written; they are kept and tried again`, { error });
    this.isFailing = true;
  }
}
