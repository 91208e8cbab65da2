import { hourOf, isAttack, subjectOf, type SecurityEvent } from '../domain/security-event.js';
import type { EventCount } from './event-batch.js';

/** Rows of one kind in an hour that one process makes of attacks; what is beyond goes into one row without account and address. */
export const ROWS_PER_HOUR = 2_000;
/** Addresses of one account's successful logins in an hour that have rows of their own; those beyond are one row without an address. */
export const ADDRESSES_PER_HOUR = 20;
const LOGGED_EVERY_MS = 60_000;

interface Row {
  readonly loggedAtMs: number;
  /** Events since then. */
  readonly unlogged: number;
}

const NEW_ROW: Row = { loggedAtMs: -Infinity, unlogged: 0 };

/** Keeps anybody from filling the table and the log: the rows that attacks, and the logins of one account, make in an hour are limited, and each of attacks is logged at most once in a minute. In memory, bounded. */
export class AttackRows {
  /** For each kind, its rows of this hour by subject. */
  private readonly rows = new Map<string, Map<string, Row>>();
  private hour = -1;

  /** The event; of a successful login without its address, where the account had too many of them in this hour; or where its kind has too many rows in this hour already, one without account, session and address. */
  bounded(event: SecurityEvent, nowMs: number): SecurityEvent {
    if (event.kind === 'login.succeeded') {
      const rows = this.rowsOf(`${event.kind} ${event.accountId}`, nowMs);
      return admit(rows, event, ADDRESSES_PER_HOUR) ? event : { ...event, addressKey: null };
    }
    if (!isAttack(event.kind)) return event;
    const rows = this.rowsOf(event.kind, nowMs);
    return admit(rows, event, ROWS_PER_HOUR) ? event : { kind: event.kind, accountId: null };
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
    const hour = hourOf(nowMs);
    if (hour !== this.hour) this.rows.clear();
    this.hour = hour;
    const rows = this.rows.get(kind) ?? new Map<string, Row>();
    this.rows.set(kind, rows);
    return rows;
  }
}

/** True when the event's row is there, or there is room for it. */
function admit(rows: Map<string, Row>, event: SecurityEvent, max: number): boolean {
  const subject = subjectOf(event);
  if (rows.has(subject)) return true;
  if (rows.size >= max) return false;
  rows.set(subject, NEW_ROW);
  return true;
}
