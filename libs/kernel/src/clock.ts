/** An instant as the API shows it: RFC 3339 in UTC with milliseconds, `2026-11-24T08:00:00.000Z`. */
export function instant(date: Date): string {
  return date.toISOString();
}

/** Resolves after `ms` milliseconds. Ends early, without an error, when `signal` aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });

    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}

/**
 * A signal that aborts after `ms` milliseconds. On Node 20 a bare `AbortSignal.timeout` that only `AbortSignal.any` holds is collected as garbage and never fires; the listener keeps it.
 */
export function deadlineIn(ms: number): AbortSignal {
  const signal = AbortSignal.timeout(Math.max(0, Math.ceil(ms)));
  signal.addEventListener('abort', () => undefined, { once: true });
  return signal;
}

/** Calls `work` again and again, `everyMs` after the last run ended, until the returned `stop` is called; `stop` waits for a run under way. Errors go to `onError`. */
export function repeat(everyMs: number, work: () => Promise<void>, onError: (error: unknown) => void): { stop: () => Promise<void> } {
  const ending = new AbortController();
  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await work().catch(onError);
      await pause(everyMs, ending.signal);
    }
  };
  const running = loop();
  return {
    stop: () => {
      ending.abort();
      return running;
    },
  };
}
