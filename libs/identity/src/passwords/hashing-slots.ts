import { Injectable } from '@nestjs/common';
import { FairSlots, Unavailable } from '@edgechat/kernel';

const AT_ONCE = 2;
const WAITING_MAX = 200;
const RETRY_AFTER_S = 2;

/**
 * Bounds the hashing of passwords in a process: 2 at once, so that half of the thread pool and all but 38 MiB stay free for other requests, and 200 waiting, which is about 5 s of work.
 * Addresses take turns, and who used least of late is next: the many logins of one address wait for themselves.
 */
@Injectable()
export class HashingSlots {
  private readonly slots = new FairSlots<string>({
    capacity: AT_ONCE,
    waitingMax: WAITING_MAX,
    refuse: () => new Unavailable('hashing', { retryAfterS: RETRY_AFTER_S }),
  });

  /**
   * Runs `work` when it is the turn of who asks for it.
   * @param from the key of the address
   * @throws Unavailable `hashing` at once when too many wait; what `work` throws
   */
  run<T>(from: string, work: () => Promise<T>): Promise<T> {
    return this.slots.run(from, 1, work);
  }
}
