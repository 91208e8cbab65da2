import { pause, Unavailable } from '@edgechat/kernel';

const AGAIN_MS = 500;

/** Runs what an operator waits for, and which is safe to repeat: while a store is away again and again, for a minute. @throws Unavailable after that, or when `signal` aborts; other errors at once */
export async function patiently<T>(signal: AbortSignal, work: () => Promise<T>, patienceMs = 60_000): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unavailable) || Date.now() > until) throw error;
      await pause(AGAIN_MS, signal);
    }
  }
}
