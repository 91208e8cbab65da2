import { Injectable } from '@nestjs/common';

/** Whether this process is stopping, and when its patience with open requests ends. */
@Injectable()
export class Draining {
  private readonly patience = new AbortController();
  private hasBegun = false;

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
