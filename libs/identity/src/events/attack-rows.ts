import { HOUR_MS, isAttack, subjectOf, type SecurityEvent } from '../domain/security-event.js';
import type { EventCount } from './event-batch.js';

/** Rows of one kind in an hour that one process makes of attacks; what is beyond goes into one row without account and address. */
export const ROWS_PER_HOUR = 2_000;
const LOGGED_EVERY_MS = 60_000;

interface Row {
  readonly loggedAtMs: number;
  /** Events since then. */
  readonly unlogged: number;
}

const NEW_ROW: Row = { loggedAtMs: -Infinity, unlogged: 0 };

/** Keeps an attack from filling the table and the log: the rows that it makes in an hour are limited, and each is logged at most once in a minute. In memory, bounded. */
export class AttackRows {
  /** For each kind, its rows of this hour by subject. */
  private readonly rows = new Map<string, Map<string, Row>>();
  private hour = -1;

  /** The event; or where its kind has too many rows in this hour already, one without account, session and address. */
  bounded(event: SecurityEvent, nowMs: number): SecurityEvent {
    if (!isAttack(event.kind)) return event;
    const rows = this.rowsOf(event.kind, nowMs);
    const subject = subjectOf(event);
    if (rows.has(subject)) return event;
    if (rows.size >= ROWS_PER_HOUR) return { kind: event.kind, accountId: null };
    rows.set(subject, NEW_ROW);
    return event;
  }

  /** Of how many events the log is to be told now: all since its last line, or 0 when that is less than a minute ago. (What an hour leaves unlogged is in the table.) */
  countToLog(event: EventCount, nowMs: number): number {
    if (!isAttack(event.kind)) return event.count;
    const rows = this.rowsOf(event.kind, nowMs);
    const subject = subjectOf(event);
    const row = rows.get(subject) ?? NEW_ROW;
    const count = row.unlogged + event.count;
    const isDue = nowMs - row.loggedAtMs >= LOGGED_EVERY_MS;
    // (One more than the limit: the row of what is beyond.)
    if (rows.has(subject) || rows.size <= ROWS_PER_HOUR)
      rows.set(subject, isDue ? { loggedAtMs: nowMs, unlogged: 0 } : { ...row, unlogged: count });
    return isDue ? count : 0;
  }

  private rowsOf(kind: string, nowMs: number): Map<string, Row> {
    const hour = Math.floor(nowMs / HOUR_MS);
    if (hour !== this.hour) this.rows.clear();
    this.hour = hour;
    const rows = this.rows.get(kind) ?? new Map<string, Row>();
    this.rows.set(kind, rows);
    return rows;
  }
}
