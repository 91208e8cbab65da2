import { Injectable } from '@nestjs/common';
import { Unavailable } from '@edgechat/kernel';
import { byName, findNext, findWhoGivesWay, WAITING_MAX, type HashingRequest } from '../domain/hashing-order.js';
import { networksOf } from '../domain/networks.js';
import { RecentUse } from './recent-use.js';

const AT_ONCE = 2;
/** Six times what the work of a full queue takes: only who has the fewest turns (a registration in a flood of logins) waits so long. */
export const WAIT_MAX_MS = 30_000;
const RETRY_AFTER_S = 2;

interface Waiting extends HashingRequest {
  readonly begin: () => void;
  readonly refuse: () => void;
}

/**
 * Bounds the hashing of passwords in a process: 2 at once, so that half of the thread pool and all but 38 MiB stay free for other requests, and 200 waiting, which is about 5 s of work.
 * Known logins go first, then others, then registrations; addresses take turns, and who used least of late is next. When all places are taken, who takes most makes room (`findWhoGivesWay`).
 * ([ADR 21](../../../../docs/adr/0021-guesses-wait-and-leave-a-trace.md))
 */
@Injectable()
export class HashingSlots {
  private readonly useOfAddresses = new RecentUse();
  private readonly useOfNames = new RecentUse();
  private readonly waiting: Waiting[] = [];
  private running = 0;
  private turns = 0;

  /**
   * Runs `work` when it is the turn of who asks for it.
   * @throws Unavailable `hashing` when too many wait, at once or when somebody comes who goes first, and after 30 s; what `work` throws
   */
  async run<T>(request: HashingRequest, work: () => Promise<T>): Promise<T> {
    if (this.running < AT_ONCE) this.take(request);
    else await this.wait(request);
    try {
      return await work();
    } finally {
      this.running -= 1;
      this.letNextIn();
    }
  }

  private take(request: HashingRequest): void {
    const nowMs = performance.now();
    this.running += 1;
    this.turns += 1;
    for (const { key } of networksOf(request.addressKey)) this.useOfAddresses.add(key, nowMs);
    this.useOfNames.add(byName(request), nowMs);
  }

  private async wait(request: HashingRequest): Promise<void> {
    if (this.waiting.length >= WAITING_MAX) {
      const leaving = findWhoGivesWay(this.waiting, request);
      if (leaving === null) throw refusal();
      leaving.refuse();
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        this.waiting.splice(this.waiting.indexOf(one), 1);
      };
      const one: Waiting = {
        ...request,
        begin: () => {
          leave();
          this.take(request);
          resolve();
        },
        refuse: () => {
          leave();
          reject(refusal());
        },
      };
      const timer = setTimeout(one.refuse, WAIT_MAX_MS);
      this.waiting.push(one);
    });
  }

  private letNextIn(): void {
    const nowMs = performance.now();
    findNext(this.waiting, this.turns, {
      ofAddress: ({ addressKey }) =>
        Math.max(...networksOf(addressKey).map(({ key, factor }) => this.useOfAddresses.amountOf(key, nowMs) / factor)),
      ofName: (one) => this.useOfNames.amountOf(byName(one), nowMs),
    })?.begin();
  }
}

const refusal = (): Unavailable => new Unavailable('hashing', { retryAfterS: RETRY_AFTER_S });
