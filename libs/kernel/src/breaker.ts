/**
 * Skips a store that failed, and tries again each `retryEveryMs`: while it is open every call fails at once with the last outage, but one call per interval goes through.
 * A call that ends in anything but an outage (a success, a constraint, a bug) shows that the store answers, and closes it.
 */
export class Breaker {
  private lastOutage: unknown = null;
  private tryAgainAt = 0;

  constructor(private readonly retryEveryMs = 1_000) {}

  get isOpen(): boolean {
    return this.lastOutage !== null;
  }

  /**
   * Runs `work` unless the store is skipped just now.
   * @param work rejects, and throws nothing
   * @param isOutage null for an error that says nothing about the store
   * @throws what `work` throws, or the last outage.
   */
  run<T>(work: () => Promise<T>, isOutage: (error: unknown) => boolean | null): Promise<T> {
    if (this.isOpen) {
      // What was thrown before is thrown again.
      if (Date.now() < this.tryAgainAt) return Promise.reject(this.lastOutage);
      this.tryAgainAt = Date.now() + this.retryEveryMs;
    }
    // (One promise: every store call passes here.)
    return work().then(
      (result) => {
        this.close();
        return result;
      },
      (error: unknown) => {
        const verdict = isOutage(error);
        if (verdict !== null) this.note(verdict ? error : null);
        throw error;
      },
    );
  }

  /** The store was seen to answer, elsewhere. */
  close(): void {
    this.lastOutage = null;
  }

  private note(outage: unknown): void {
    this.lastOutage = outage;
    if (outage !== null) this.tryAgainAt = Date.now() + this.retryEveryMs;
  }
}
