import { Injectable } from '@nestjs/common';
import { Slots, Unavailable } from '@edgechat/kernel';

const AT_ONCE = 2;
const WAITING_MAX = 200;
const RETRY_AFTER_S = 2;

/**
 * Bounds the hashing of passwords in a process: 2 at once, so that half of the thread pool and all but 38 MiB stay free for other requests,
 * and 200 waiting in the order they came, which is about 5 s of work.
 */
@Injectable()
export class HashingSlots {
  private readonly slots = new Slots({
    atOnce: AT_ONCE,
    waitingMax: WAITING_MAX,
    refuse: () => new Unavailable('hashing', { retryAfterS: RETRY_AFTER_S }),
  });

  /** Runs `work` as soon as a slot is free. @throws Unavailable `hashing` at once when too many wait; what `work` throws. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.slots.run(work);
  }
}
