import { Injectable } from '@nestjs/common';
import { ANSWERS_CHANNEL } from '@edgechat/contracts';
import { pause } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Redis } from '@edgechat/platform/redis';

const LOOK_EVERY_MS = 5_000;

/** What one waits for: `id` is in the signal, `look` asks the truth and returns null while it is not known. */
export interface Awaited<Outcome> {
  readonly id: string;
  /** False when it is certain that nothing can be there yet: listening began before the work was asked for. */
  readonly looksFirst: boolean;
  readonly look: () => Promise<Outcome | null>;
  readonly until: Date;
  /** Ends the wait early: the process stops. */
  readonly signal: AbortSignal;
}

/** Waits for outcomes of work in other processes: on a signal through Redis, with a look at the truth when Redis comes back and every 5 s, since signals can be lost. */
@Injectable()
export class AwaitAnswer {
  private readonly listeners = new Map<string, Set<() => void>>();

  constructor(
    redis: Redis,
    private readonly log: Log,
  ) {
    redis.subscribe(ANSWERS_CHANNEL, {
      onMessage: (id) => this.listeners.get(id)?.forEach((wake) => wake()),
      onReconnect: () => this.listeners.forEach((wakes) => wakes.forEach((wake) => wake())),
    });
  }

  /** Begins to listen for `id`: what is signalled from now on is not missed. Call `close` in the end. */
  listen(id: string): Listening {
    const listening = new Listening(() => this.forget(id, listening.wake));
    this.listeners.set(id, (this.listeners.get(id) ?? new Set()).add(listening.wake));
    return listening;
  }

  /** The outcome, or null when `until` has passed or the process stops. A look that fails is made again at the next signal or after 5 s; it takes at most its own deadline. */
  async outcome<Outcome>(listening: Listening, awaited: Awaited<Outcome>): Promise<Outcome | null> {
    let isDue = awaited.looksFirst;
    for (;;) {
      if (isDue || listening.wasWoken()) {
        const outcome = await awaited
          .look()
          .catch((error: unknown) => this.log.warn('a look for an answer failed', { error }));
        if (outcome) return outcome;
      }
      const leftMs = awaited.until.getTime() - Date.now();
      if (leftMs <= 0 || awaited.signal.aborted) return null;
      isDue = await listening.sleep(Math.min(LOOK_EVERY_MS, leftMs), awaited.signal);
    }
  }

  private forget(id: string, wake: () => void): void {
    const wakes = this.listeners.get(id);
    wakes?.delete(wake);
    if (wakes?.size === 0) this.listeners.delete(id);
  }
}

/** One who listens for one id. */
export class Listening {
  private isWoken = false;
  private alarm: AbortController | null = null;

  constructor(readonly close: () => void) {}

  readonly wake = (): void => {
    this.isWoken = true;
    this.alarm?.abort();
  };

  /** True once after each wake. */
  wasWoken(): boolean {
    const was = this.isWoken;
    this.isWoken = false;
    return was;
  }

  /** Sleeps until woken, `ms` have passed (then it resolves to true: a look is due), or `signal` aborts. */
  async sleep(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.isWoken) return false;
    // (`AbortSignal.any` would leave an entry in `signal`, which lives as long as the process.)
    const alarm = new AbortController();
    this.alarm = alarm;
    const ring = (): void => alarm.abort();
    signal.addEventListener('abort', ring, { once: true });
    await pause(signal.aborted ? 0 : ms, alarm.signal);
    signal.removeEventListener('abort', ring);
    return !this.isWoken;
  }
}
