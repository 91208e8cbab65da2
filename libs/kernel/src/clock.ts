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
 * Runs `work` with a signal that aborts after `ms` milliseconds or with `outer`, and leaves nothing behind when it is over.
 * (`AbortSignal.any` with `AbortSignal.timeout` does not do: on Node 20 such a timeout is collected as garbage and never fires.)
 */
export async function withDeadline<T>(
  ms: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const end = (): void => deadline.abort();
  const timer = setTimeout(end, Math.max(0, ms));
  if (outer.aborted) end();
  outer.addEventListener('abort', end, { once: true });
  try {
    return await work(deadline.signal);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', end);
  }
}

/** Waits for `work`, but at most `ms` milliseconds; work that is late goes on by itself, and its error is nobody's. @throws what `work` throws in time */
export function atMost<T>(
  ms: number,
  work: Promise<T>,
): Promise<{ readonly isLate: false; readonly value: T } | { readonly isLate: true }> {
  // (One promise and no race: every store call passes here.)
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, { isLate: true } as const);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve({ isLate: false, value });
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/** Calls `work` again and again, `everyMs` after the last run ended, until the returned `stop` is called; `stop` waits for a run under way. Errors go to `onError`. */
export function repeat(
  everyMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): { stop: () => Promise<void> } {
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
