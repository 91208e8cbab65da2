import { Breaker, setNewest } from '@edgechat/kernel';
import type { Log } from '@edgechat/platform/logging';
import type { Result } from 'ioredis';
import { DEADLINE_MS, type Patience, type Redis } from './redis.js';

/** Something that may happen so often in a window, which begins with its first count and lasts its whole length. */
export interface WindowCounter {
  /** Of its own among all that the same `WindowCounters` count. */
  readonly key: string;
  /** How often in a window; 0 is never. */
  readonly max: number;
  /** Whole seconds. */
  readonly windowS: number;
}

export interface WindowCount {
  /** With this one; more than `max` when there was no room for it. */
  readonly used: number;
  readonly isUsedUp: boolean;
  readonly endsInMs: number;
}

/** What became of an attempt to count. */
export interface Taken {
  /** One of the counters was used up, and none was counted on. */
  readonly isRefused: boolean;
  /** In the order of the counters. */
  readonly counts: readonly WindowCount[];
  /** Takes the counts back where they were made, for what did not happen after all. Never fails: one that cannot be taken back stays until its window ends. */
  readonly giveBack: () => Promise<void>;
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    takeFromWindows(keys: number, ...namesAndLimits: (string | number)[]): Result<number[], Context>;
    giveBackToWindows(keys: number, ...names: string[]): Result<number, Context>;
  }
}

/**
 * Keys: the counters. Arguments: max and seconds of each. Counts one on each, or on none when one is used up.
 * Returns used and milliseconds left of each. A counter is a number that expires, as it is for the release before.
 */
const TAKE = `
  local refused = false
  local result = {}
  for i, key in ipairs(KEYS) do
    local used = redis.call('incr', key)
    local left = redis.call('pttl', key)
    if left < 0 then
      left = ARGV[2 * i] * 1000
      redis.call('pexpire', key, left)
    end
    if used > tonumber(ARGV[2 * i - 1]) then refused = true end
    result[2 * i - 1] = used
    result[2 * i] = left
  end
  if refused then
    for _, key in ipairs(KEYS) do
      if redis.call('decr', key) <= 0 then redis.call('del', key) end
    end
  end
  return result`;

/** Keys: the counters. Takes one off each that is still there: a window that has ended meanwhile begins with nothing. */
const GIVE_BACK = `
  for _, key in ipairs(KEYS) do
    if tonumber(redis.call('get', key) or '0') > 0 and redis.call('decr', key) == 0 then redis.call('del', key) end
  end
  return 0`;

interface Options {
  /** What their keys in Redis begin with. */
  readonly name: string;
  /** How long a count may wait for Redis. */
  readonly deadlineMs?: number;
}

/**
 * Counts what may happen only so often, in Redis for all replicas together and in one round trip for any number of counters.
 * While Redis is away the same limits hold in each process by itself.
 */
export class WindowCounters {
  private readonly own = new OwnWindows();
  private readonly patience: Patience;
  private readonly prefix: string;

  constructor(
    private readonly redis: Redis,
    private readonly log: Log,
    private readonly options: Options,
  ) {
    this.prefix = redis.key(options.name);
    this.patience = { deadlineMs: options.deadlineMs ?? DEADLINE_MS, breaker: new Breaker() };
    redis.client.defineCommand('takeFromWindows', { lua: TAKE });
    redis.client.defineCommand('giveBackToWindows', { lua: GIVE_BACK });
  }

  /** Counts one on each of the counters, or on none when one of them is used up; never fails. */
  async take(counters: readonly WindowCounter[]): Promise<Taken> {
    const wasAway = this.patience.breaker.isOpen;
    try {
      return await this.takeShared(counters);
    } catch (error) {
      if (!wasAway)
        this.log.warn('Redis does not count: each process limits by itself until it does', {
          counter: this.options.name,
          error,
        });
      return this.own.take(counters, performance.now());
    }
  }

  private async takeShared(counters: readonly WindowCounter[]): Promise<Taken> {
    const keys = counters.map(({ key }) => `${this.prefix}:${key}`);
    const limits = counters.flatMap(({ max, windowS }) => [max, windowS]);
    const flat = await this.redis.run(
      'count-in-windows',
      (client) => client.takeFromWindows(keys.length, ...keys, ...limits),
      this.patience,
    );
    const counts = counters.map(({ max }, i) => countOf(flat[2 * i] ?? 0, max, flat[2 * i + 1] ?? 0));
    const giveBack = async (): Promise<void> => {
      await this.redis
        .run('give-back-to-windows', (client) => client.giveBackToWindows(keys.length, ...keys), this.patience)
        .catch(() => undefined);
    };
    return { isRefused: counts.some(({ isUsedUp }) => isUsedUp), counts, giveBack };
  }
}

/** Windows that one process keeps at most; a window more, and the oldest is forgotten. */
const OWN_WINDOWS_MAX = 20_000;

interface OwnWindow {
  used: number;
  readonly endsAt: number;
}

/** The same counting in this process alone. Instants are of the monotonic clock, in milliseconds. */
export class OwnWindows {
  private readonly windows = new Map<string, OwnWindow>();

  constructor(private readonly max = OWN_WINDOWS_MAX) {}

  take(counters: readonly WindowCounter[], now: number): Taken {
    const windows = counters.map((counter) => this.windowOf(counter, now));
    const counts = counters.map(({ max }, i) => {
      const { used = 0, endsAt = now } = windows[i] ?? {};
      return countOf(used + 1, max, endsAt - now);
    });
    const isRefused = counts.some(({ isUsedUp }) => isUsedUp);
    if (isRefused) return { isRefused, counts, giveBack: () => Promise.resolve() };

    counters.forEach(({ key }, i) => {
      const window = windows[i];
      if (window !== undefined) this.keep(key, window);
    });
    for (const window of windows) window.used += 1;
    const giveBack = (): Promise<void> => {
      for (const window of windows) window.used -= 1;
      return Promise.resolve();
    };
    return { isRefused, counts, giveBack };
  }

  /** How many windows are kept. */
  get size(): number {
    return this.windows.size;
  }

  private windowOf({ key, windowS }: WindowCounter, now: number): OwnWindow {
    const known = this.windows.get(key);
    if (known !== undefined && known.endsAt > now) return known;

    return { used: 0, endsAt: now + windowS * 1_000 };
  }

  /** (A window that nothing was counted in is not kept: what was refused cannot push others out.) */
  private keep(key: string, window: OwnWindow): void {
    if (this.windows.get(key) !== window) setNewest(this.windows, key, window, this.max);
  }
}

const countOf = (used: number, max: number, endsInMs: number): WindowCount => ({
  used,
  isUsedUp: used > max,
  endsInMs: Math.max(0, endsInMs),
});
