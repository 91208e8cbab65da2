import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { repeat, Unavailable } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Statement } from '@edgechat/platform/postgres';

const READ_EVERY_MS = 2_000;
/** Older knowledge than this lets nobody in. */
export const KNOWLEDGE_MAX_AGE_MS = 5_000;
/** A transaction becomes visible after the instant it wrote: each reading goes back this much further than the last one. Far longer than any deadline. */
const OVERLAP_S = 60;

const REVOKED_SINCE: Statement = {
  name: 'sessions-revoked-since',
  text: 'select id from edgechat.sessions where revoked_at > statement_timestamp() - make_interval(secs => $1::double precision)',
};

/**
 * Which sessions were revoked within an access token's life, read from PostgreSQL every 2 s: what ended on one replica is over on all within 5 s, without a look into a store per request.
 * When that has not worked for 5 s nobody is let in. Instants are of the monotonic clock, in milliseconds, so that a set clock changes nothing.
 */
@Injectable()
export class Revocations implements OnApplicationBootstrap, OnApplicationShutdown {
  /** Session → when it may be forgotten; in the order of those instants. */
  private readonly revoked = new Map<string, number>();
  private readonly lifeS: number;
  private readAt: number | null = null;
  private reading: Promise<void> | null = null;
  private failure: unknown = null;
  private loop: { stop: () => Promise<void> } | null = null;

  constructor(
    private readonly postgres: Postgres,
    private readonly log: Log,
    config: Config,
  ) {
    this.lifeS = config.jwtAccessExpireMinutes * 60;
  }

  onApplicationBootstrap(): void {
    this.loop ??= repeat(
      READ_EVERY_MS,
      () => this.read(),
      () => undefined,
    );
  }

  /** After the last request was answered: until then revocations count. Does not wait for a reading under way, which may hang. */
  onApplicationShutdown(): void {
    void this.loop?.stop();
    this.loop = null;
  }

  /** Ends a session in this process at once; the others read it. */
  add(sessions: readonly string[]): void {
    const forgetAt = performance.now() + (this.lifeS + OVERLAP_S) * 1_000;
    for (const id of sessions) {
      if (!this.revoked.has(id)) this.revoked.set(id, forgetAt);
    }
  }

  /** True when the session is known to go on; what is known is at most 5 s old. False also when that is not known. */
  isOpen(session: string): boolean {
    return this.isFresh() && !this.revoked.has(session);
  }

  /**
   * True when the session was revoked; what is known is at most 5 s old. Touches PostgreSQL only when nothing was read yet.
   * @throws Unavailable `postgres` when the last 5 s brought no knowledge
   */
  async has(session: string): Promise<boolean> {
    if (!this.isFresh()) await this.catchUp();
    return this.revoked.has(session);
  }

  /** Reads once; calls at the same time share the reading. @throws what the store throws */
  read(): Promise<void> {
    this.reading ??= this.readNow().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  private isFresh(): boolean {
    return this.readAt !== null && performance.now() - this.readAt < KNOWLEDGE_MAX_AGE_MS;
  }

  /** Calls wait for a reading while none has failed: the first of a process, or the next after one that hung and then succeeded. When one failed, calls fail at once instead of queueing for a store that hangs. */
  private async catchUp(): Promise<void> {
    if (this.readAt === null || this.failure === null) await this.read().catch(() => undefined);
    if (!this.isFresh()) throw new Unavailable('postgres', { cause: this.failure });
  }

  private async readNow(): Promise<void> {
    const startedAt = performance.now();
    const sinceS = this.readAt === null ? this.lifeS + OVERLAP_S : (startedAt - this.readAt) / 1_000 + OVERLAP_S;
    try {
      const rows = await this.postgres.query<{ id: string }>(REVOKED_SINCE, [sinceS]);
      this.add(rows.map((row) => row.id));
      this.forget(startedAt);
      if (this.failure !== null && this.readAt !== null) this.log.info('revoked sessions are read again');
      this.readAt = startedAt;
      this.failure = null;
    } catch (error) {
      // Before the first reading the process waits for its stores, and after the stop they go: neither is news.
      if (this.failure === null && this.readAt !== null && this.loop !== null)
        this.log.warn('revoked sessions could not be read; authenticated calls are refused after 5 s', { error });
      this.failure = error;
      throw error;
    }
  }

  private forget(now: number): void {
    for (const [id, forgetAt] of this.revoked) {
      if (forgetAt > now) return;
      this.revoked.delete(id);
    }
  }
}
