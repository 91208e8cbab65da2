import { Breaker, newId } from '@edgechat/kernel';
import type { Log } from '@edgechat/platform/logging';
import type { Result } from 'ioredis';
import {
  argumentsOfClaim,
  claimLost,
  COUNTING_SINCE,
  KnownWindows,
  type Claim,
  type SharedCount,
} from './known-windows.js';
import { OwnCounters } from './own-counters.js';
import { DEADLINE_MS, type Patience, type Redis } from './redis.js';
import { countOf, type Taken, type WindowCount, type WindowCounter } from './window-count.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    takeFromWindows(
      keys: number,
      ...namesAndLimits: (string | number)[]
    ): Result<readonly (string | number)[], Context>;
    giveBackToWindows(keys: number, ...names: string[]): Result<number, Context>;
  }
}

/**
 * KEYS[1]: since when counters are kept (`COUNTING_SINCE`); after it the counters. ARGV[1]: what KEYS[1] becomes where it is missing.
 * Then of each counter: max, seconds; and what the process knows: since, what was in Redis then, what it counted since then (below 0: what Redis counted that did not happen), milliseconds left (0: nothing is known).
 * First adds to each what the process counted while Redis was away, and what was lost: a counter is at least what it was seen to be before. Then counts one on each, or on none when one is used up.
 * Returns since, then used and milliseconds left of each. A counter is a number that expires, as it is for the release before.
 */
const TAKE = `
  local since = redis.call('get', KEYS[1])
  if not since then
    since = ARGV[1]
    redis.call('set', KEYS[1], since)
  end
  local refused = false
  local result = { since }
  for i = 2, #KEYS do
    local key, at = KEYS[i], 6 * i - 11
    local left = redis.call('pttl', key)
    local missing = tonumber(ARGV[at + 5])
    if ARGV[at + 3] ~= since then
      missing = missing + math.max(0, ARGV[at + 4] - (redis.call('get', key) or 0))
    end
    local used = redis.call('incrby', key, missing + 1)
    if used < 1 then
      used = 1
      redis.call('set', key, used, 'keepttl')
    end
    if left < 0 then
      left = missing > 0 and tonumber(ARGV[at + 6]) or ARGV[at + 2] * 1000
      redis.call('pexpire', key, left)
    end
    if used > tonumber(ARGV[at + 1]) then refused = true end
    result[2 * i - 2] = used
    result[2 * i - 1] = left
  end
  if refused then
    for i = 2, #KEYS do
      if redis.call('decr', KEYS[i]) <= 0 then redis.call('del', KEYS[i]) end
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
 * While Redis is away each process goes on from what Redis said last, by itself: a replica then lets through what it does not know others to have used. What was counted meanwhile is told to Redis with
 * the next call on the same counter; so is what was there before, if Redis has lost its data.
 */
export class WindowCounters {
  private readonly known = new KnownWindows();
  private readonly own = new OwnCounters(this.known);
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
    const now = performance.now();
    const asked = counters.map((counter) => ({ counter, claim: this.known.claim(counter.key, now) }));
    const call = (client: Redis['client']): Promise<TakeAnswer> =>
      client.takeFromWindows(counters.length + 1, ...this.keysOf(counters), ...argumentsOf(asked));
    const onLate = (answer: TakeAnswer): void => this.learnLate(readAnswer(asked, answer), now);
    try {
      const answer = await this.redis.run('count-in-windows', call, this.patience, onLate);
      return this.taken(readAnswer(asked, answer), now);
    } catch (error) {
      for (const { claim } of asked) claimLost(claim);
      throw error;
    }
  }

  private keysOf(counters: readonly WindowCounter[]): readonly string[] {
    return [this.redis.key(COUNTING_SINCE), ...counters.map(({ key }) => `${this.prefix}:${key}`)];
  }

  private taken(answered: Answered, askedAt: number): Taken {
    for (const { counter, shared, claim } of answered.each) this.known.learn(counter.key, shared, askedAt, claim);
    const counts = answered.each.map(({ count }) => count);
    return { ...answered, counts, giveBack: () => this.giveBack(answered) };
  }

  /** The call was late, and counted here meanwhile; now it is known that Redis counted it, too. */
  private learnLate({ isRefused, each }: Answered, askedAt: number): void {
    for (const { counter, claim, shared } of each)
      this.known.learnLate(counter.key, claim, isRefused ? 0 : 1, shared, askedAt);
  }

  private async giveBack({ each }: Answered): Promise<void> {
    const counters = each.map(({ counter }) => counter);
    const [, ...keys] = this.keysOf(counters);
    try {
      await this.redis.run(
        'give-back-to-windows',
        (client) => client.giveBackToWindows(keys.length, ...keys),
        this.patience,
      );
    } catch {
      return;
    }
    for (const { key } of counters) this.known.giveBack(key, performance.now());
  }
}

/** A counter that is to be counted on, and what Redis is told of it. */
interface Asked {
  readonly counter: WindowCounter;
  readonly claim: Claim;
}

interface Answered {
  readonly isRefused: boolean;
  readonly each: readonly (Asked & { readonly count: WindowCount; readonly shared: SharedCount })[];
}

/** What `TAKE` returns. */
type TakeAnswer = readonly (string | number)[];

/** What `TAKE` is told, after its keys. */
function argumentsOf(asked: readonly Asked[]): readonly (string | number)[] {
  return [
    newId(),
    ...asked.flatMap(({ counter, claim }) => [counter.max, counter.windowS, ...argumentsOfClaim(claim)]),
  ];
}

function readAnswer(asked: readonly Asked[], [since, ...numbers]: TakeAnswer): Answered {
  const counts = asked.map(({ counter: { max } }, i) =>
    countOf(Number(numbers[2 * i] ?? 0), max, Number(numbers[2 * i + 1] ?? 0)),
  );
  const isRefused = counts.some(({ isUsedUp }) => isUsedUp);
  const each = asked.flatMap((one, i) => {
    const count = counts[i];
    if (count === undefined) return [];
    const shared = { since: String(since), count: count.used - (isRefused ? 1 : 0), leftMs: count.endsInMs };
    return [{ ...one, count, shared }];
  });
  return { isRefused, each };
}
