import { Injectable } from '@nestjs/common';
import { Unavailable } from '@edgechat/kernel';

const AT_ONCE = 2;
const WAITING_MAX = 200;
const RETRY_AFTER_S = 2;

/**
 * Bounds the hashing of passwords in a process: 2 at once, so that half of the thread pool and all but 38 MiB stay free for other requests,
 * and 200 waiting in the order they came, which is about 5 s of work.
 */
@Injectable()
export class HashingSlots {
  private running = 0;
  private readonly waiting: Array<() => void> = [];

  /** Runs `work` as soon as a slot is free. @throws Unavailable `hashing` at once when too many wait; what `work` throws. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.running < AT_ONCE) {
      this.running += 1;
      return;
    }
    if (this.waiting.length >= WAITING_MAX) throw new Unavailable('hashing', { retryAfterS: RETRY_AFTER_S });
    await new Promise<void>((go) => this.waiting.push(go));
  }

  /** A slot goes straight to who waited longest; `running` counts it on. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running -= 1;
  }
}
