import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';

/** Whether this process is stopping, and when its patience with open requests ends. */
@Injectable()
export class Draining {
  private readonly patience = new AbortController();
  private hasBegun = false;

  constructor() {
    // Each call that waits for an answer listens, and stops to when it ends.
    setMaxListeners(0, this.patience.signal);
  }

  /** True from the first signal on: no new work is taken. */
  get isDraining(): boolean {
    return this.hasBegun;
  }

  /** Aborts when `DRAIN_TIMEOUT_MS` is over: what still waits must answer now. */
  get signal(): AbortSignal {
    return this.patience.signal;
  }

  begin(): void {
    this.hasBegun = true;
  }

  /** Ends the patience; called once, by the stop of the process. */
  expire(): void {
    this.patience.abort();
  }
}
