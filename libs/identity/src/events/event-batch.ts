import { hourOf, subjectOf, type SecurityEvent } from '../domain/security-event.js';

/** Events of one kind, hour and subject. */
export interface EventCount extends SecurityEvent {
  /** Where its hour (UTC) begins, in milliseconds since 1970. */
  readonly hourMs: number;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** Events between two writes, one row for each kind, hour and subject. Bounded: what finds no room is counted in `dropped`. */
export class EventBatch {
  private readonly counts = new Map<string, EventCount>();
  private lost = 0;

  constructor(private readonly rowsMax: number) {}

  get isEmpty(): boolean {
    return this.counts.size === 0 && this.lost === 0;
  }

  /** Events that found no room. */
  get dropped(): number {
    return this.lost;
  }

  get rows(): readonly EventCount[] {
    return [...this.counts.values()];
  }

  add(event: SecurityEvent, atMs: number): void {
    const hourMs = hourOf(atMs);
    const key = `${event.kind} ${hourMs} ${subjectOf(event)}`;
    const before = this.counts.get(key);
    if (before === undefined && this.counts.size >= this.rowsMax) {
      this.lost += 1;
      return;
    }
    // What is told of the session and the address is the newest one's.
    const { count, firstAtMs } = before ?? { count: 0, firstAtMs: atMs };
    this.counts.set(key, { ...event, hourMs, count: count + 1, firstAtMs, lastAtMs: atMs });
  }
}
