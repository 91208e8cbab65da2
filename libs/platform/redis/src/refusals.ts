import type { Trouble } from '@edgechat/platform/logging';
import { isRefusal, remedyFor } from './reply-errors.js';

/** After so long without a refusal the next one is news. */
const QUIET_MS = 60_000;

/** Tells that Redis answers, and cannot work: each reason once, and again after a minute in which there was none. (A call that is answered does not end it: some are, whatever is full.) */
export class Refusals {
  private lastAt = -Infinity;

  constructor(
    private readonly trouble: Pick<Trouble, 'has' | 'isOver'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Notes why a call failed; what Redis did not answer is told by the connection. */
  note(error: unknown): void {
    if (!isRefusal(error)) return;
    const now = this.now();
    if (now - this.lastAt > QUIET_MS) this.trouble.isOver();
    this.lastAt = now;
    this.trouble.has(error, remedyFor(error));
  }
}
