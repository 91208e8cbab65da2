import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { atMost, repeat } from '@edgechat/kernel';
import { Log, Outage } from '@edgechat/platform/logging';
import { SHOWN_DIGITS, subjectOf, type SecurityEvent } from '../domain/security-event.js';
import { pseudonym, SigningKeys, type Keys } from '../tokens/signing-keys.js';
import { AttackRows } from './attack-rows.js';
import { EventBatch, type EventCount } from './event-batch.js';
import { SecurityEventRows, type SecurityEventRow } from './security-event-rows.js';

const WRITE_EVERY_MS = 1_000;
/** How long a stopping process goes on trying. */
const LAST_WRITE_MS = 1_500;
/** Rows that wait to be written. */
export const ROWS_MAX = 1_000;
const LINES_PER_WRITE = 50;
const REMOVE_EVERY_MS = 600_000;
const REMOVED_AT_ONCE = 1_000;

/**
 * What happens to accounts, for their operator: log lines and rows in PostgreSQL (`admin events`).
 *
 * What must hold: `record` costs no input or output and never fails, so that nothing that happens waits for being noted. Events are gathered in memory and written each second in one statement; a write
 * that fails is repeated until it succeeds, and may count twice if its answer was lost. Memory is bounded: what finds no room is dropped, and told. A normal stop loses nothing, a kill the last second.
 */
@Injectable()
export class SecurityEvents implements OnApplicationBootstrap, OnApplicationShutdown {
  private gathering = new EventBatch(ROWS_MAX);
  /** What is being written; kept until it is known to be written. */
  private writing: EventBatch | null = null;
  private isLogged = false;
  private running: Promise<void> | null = null;
  private loop: { stop: () => Promise<void> } | null = null;
  private removedAt = -Infinity;
  private readonly attacks = new AttackRows();
  private readonly outage: Outage;

  constructor(
    private readonly rows: SecurityEventRows,
    private readonly keys: SigningKeys,
    private readonly log: Log,
  ) {
    this.outage = new Outage(log, {
      begins: 'security events could not be written; they are kept and tried again',
      isOver: 'security events are written again',
    });
  }

  onApplicationBootstrap(): void {
    this.loop ??= repeat(
      WRITE_EVERY_MS,
      () => this.writeAndRemove(),
      (error) => this.log.error('security events stopped', { error }),
    );
  }

  /** Writes what is there, for at most 1.5 s: after the last request was answered, and before the pool closes. */
  async onApplicationShutdown(): Promise<void> {
    void this.loop?.stop();
    this.loop = null;
    await atMost(LAST_WRITE_MS, this.outage.watch(this.flushRest()));
  }

  /** Notes an event. Costs no input or output, and never throws. */
  record(event: SecurityEvent): void {
    const nowMs = Date.now();
    this.gathering.add(this.attacks.bounded(event, nowMs), nowMs);
  }

  /** Writes what was recorded until now. Calls at the same time share the work. @throws Unavailable `postgres`; the events are kept for the next call */
  flush(): Promise<void> {
    this.running ??= this.flushNow().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** A write under way does not have the latest events; the one after it has. */
  private async flushRest(): Promise<void> {
    await this.running?.catch(() => undefined);
    await this.flush();
    await this.flush();
  }

  private async writeAndRemove(): Promise<void> {
    if (!this.rows.isReady) return;
    await this.outage.watch(this.flush().then(() => this.removeOld()));
  }

  private async removeOld(): Promise<void> {
    if (performance.now() - this.removedAt < REMOVE_EVERY_MS) return;
    this.removedAt = performance.now();
    const removed = await this.rows.removeOld(REMOVED_AT_ONCE);
    // While there are more, the next second removes more.
    if (removed === REMOVED_AT_ONCE) this.removedAt = -Infinity;
  }

  private async flushNow(): Promise<void> {
    if (this.writing === null) {
      if (this.gathering.isEmpty) return;
      this.writing = this.gathering;
      this.gathering = new EventBatch(ROWS_MAX);
      this.isLogged = false;
    }
    const keys = await this.keys.get();
    const batch = this.writing;
    if (!this.isLogged) this.tell(batch, keys);
    this.isLogged = true;
    if (batch.rows.length > 0) await this.rows.add(batch.rows.map((event) => asRow(event, keys)));
    this.writing = null;
  }

  private tell(batch: EventBatch, keys: Keys): void {
    const nowMs = Date.now();
    const due = batch.rows
      .map((event) => ({ ...event, count: this.attacks.countToLog(event, nowMs) }))
      .filter(({ count }) => count > 0);
    // What is rare and matters most comes first.
    const lines = due.toSorted((a, b) => Number(isWarning(b)) - Number(isWarning(a))).slice(0, LINES_PER_WRITE);
    for (const event of lines) {
      const fields = fieldsOf(event, keys);
      if (isWarning(event)) this.log.warn('security event', fields);
      else this.log.info('security event', fields);
    }
    if (due.length > lines.length)
      this.log.info('more security events are in the table alone', { rows: due.length - lines.length });
    if (batch.dropped > 0)
      this.log.warn('security events were dropped: too many between two writes', { dropped: batch.dropped });
  }
}

const isWarning = ({ kind }: SecurityEvent): boolean => kind === 'session.reused';

function fieldsOf(event: EventCount, keys: Keys): object {
  const { kind, accountId, sessionId, count } = event;
  const address = hashOf(event, keys)?.toString('hex').slice(0, SHOWN_DIGITS);
  return { event: kind, accountId: accountId ?? undefined, sessionId: sessionId ?? undefined, address, count };
}

function hashOf({ addressKey }: SecurityEvent, keys: Keys): Buffer | null {
  return addressKey === undefined || addressKey === null ? null : pseudonym(keys, 'address', addressKey);
}

function asRow(event: EventCount, keys: Keys): SecurityEventRow {
  const addressHash = hashOf(event, keys);
  const shown = addressHash === null ? null : addressHash.toString('hex');
  return {
    kind: event.kind,
    hourAt: new Date(event.hourMs),
    subject: subjectOf({ ...event, addressKey: shown }),
    accountId: event.accountId,
    sessionId: event.sessionId ?? null,
    addressHash,
    count: event.count,
    firstAt: new Date(event.firstAtMs),
    lastAt: new Date(event.lastAtMs),
  };
}
