import { newId } from '@edgechat/kernel';
import { argumentsOfClaim, COUNTING_SINCE, NOTHING, type Redis, type SharedCount } from '@edgechat/platform/redis';
import {
  ADDRESS_WINDOW_MS,
  DELAY_MAX_MS,
  FAILURES_PER_ADDRESS,
  FEW_GUESSES,
  FEW_GUESSES_KEPT_MS,
  GUESSES_PER_DAY,
  QUIET_MS,
  UNDER_WAY_MAX,
  UNDER_WAY_MS,
  UNDER_WAY_RETRY_MS,
  type GuessCounts,
  type GuessKeys,
} from '../domain/guess-limits.js';
import type { GuessClaims, LocalGuessCounts, SharedGuesses } from './local-guess-counts.js';

/**
 * KEYS[1] since when counters are kept (`COUNTING_SINCE`), KEYS[2] the pair, after it the counters. ARGV[1] what KEYS[1] becomes where it is missing, ARGV[2] for how long an attempt counts as under way.
 * Reads the clock of Redis in milliseconds, the same for all replicas, and the pair. `said` is what both scripts return: since, wait of the attempt (0: counted),
 * failures of the pair, its wait, its attempts under way; then count and milliseconds left of each counter.
 */
const READ_PAIR = `
local since = redis.call('GET', KEYS[1])
if not since then
  since = ARGV[1]
  redis.call('SET', KEYS[1], since)
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local pair = redis.call('HMGET', KEYS[2], 'failures', 'waitUntil', 'underWay', 'beganAt')
local failures, waitUntil = tonumber(pair[1] or 0), tonumber(pair[2] or 0)
local underWay, beganAt = tonumber(pair[3] or 0), tonumber(pair[4] or 0)
if now - beganAt > tonumber(ARGV[2]) then underWay = 0 end
local function said(wait)
  local result = { since, wait, failures, math.max(0, waitUntil - now), underWay }
  for n = 3, #KEYS do
    result[2 * n] = tonumber(redis.call('GET', KEYS[n]) or 0)
    result[2 * n + 1] = math.max(0, redis.call('PTTL', KEYS[n]))
  end
  return result
end
`;

/**
 * ARGV[3] attempts under way while there is no failure, ARGV[4] wait because of them; ARGV[5] counts of few guesses, ARGV[6] how long they are kept; ARGV[7] when failures are forgotten;
 * ARGV[8..11] what the process knows of the pair: since, failures in Redis then, failures that it counted since (below 0: what Redis was told twice), wait.
 * Then for each counter its limit, and its window (0: the day in UTC); and what the process knows: since, count in Redis then, what it counted since, left. Times in ms.
 * First adds what the process counted while Redis was away, and what was lost: all is at least what it was seen to be before.
 */
const RESERVE = `${READ_PAIR}
local known = tonumber(ARGV[10])
if ARGV[8] ~= since then known = known + math.max(0, tonumber(ARGV[9]) - failures) end
known = math.max(known, -failures)
if known ~= 0 then
  failures = failures + known
  if known > 0 then waitUntil = math.max(waitUntil, now + tonumber(ARGV[11])) end
  redis.call('HSET', KEYS[2], 'failures', failures, 'waitUntil', waitUntil)
  redis.call('PEXPIRE', KEYS[2], ARGV[7])
end
local wait = 0
if waitUntil > now then wait = waitUntil - now
elseif underWay >= (failures == 0 and tonumber(ARGV[3]) or 1) then wait = tonumber(ARGV[4]) end

local restOfDay = 86400000 - now % 86400000
local function expire(n, count, window, leftMs)
  if window == 0 then
    redis.call('PEXPIRE', KEYS[n], count < tonumber(ARGV[5]) and math.min(restOfDay, tonumber(ARGV[6])) or restOfDay)
  elseif redis.call('PTTL', KEYS[n]) < 0 then redis.call('PEXPIRE', KEYS[n], leftMs) end
end
for n = 3, #KEYS do
  local at = 6 * n - 7
  local count, window = tonumber(redis.call('GET', KEYS[n]) or 0), tonumber(ARGV[at + 2])
  local missing = tonumber(ARGV[at + 5])
  if ARGV[at + 3] ~= since then missing = missing + math.max(0, tonumber(ARGV[at + 4]) - count) end
  missing = math.max(missing, -count)
  if missing ~= 0 then
    count = redis.call('INCRBY', KEYS[n], missing)
    expire(n, count, window, ARGV[at + 6])
  end
  if count >= tonumber(ARGV[at + 1]) then
    wait = math.max(wait, window == 0 and restOfDay or redis.call('PTTL', KEYS[n]), 1)
  end
end
if wait > 0 then return said(wait) end
underWay = underWay + 1
redis.call('HSET', KEYS[2], 'underWay', underWay, 'beganAt', now)
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
for n = 3, #KEYS do
  local window = tonumber(ARGV[6 * n - 5])
  expire(n, redis.call('INCR', KEYS[n]), window, window)
end
return said(0)
`;

/** ARGV[3] '1' for a right password, ARGV[4] when failures are forgotten, ARGV[5] the longest delay; in ms. */
const SETTLE = `${READ_PAIR}
underWay = math.max(0, underWay - 1)
if ARGV[3] == '1' then
  failures, waitUntil = 0, 0
  if underWay == 0 then redis.call('DEL', KEYS[2])
  else redis.call('HSET', KEYS[2], 'failures', 0, 'waitUntil', 0, 'underWay', underWay) end
  for n = 3, #KEYS do
    if tonumber(redis.call('GET', KEYS[n]) or 0) > 0 then redis.call('DECR', KEYS[n]) end
  end
else
  failures = failures + 1
  waitUntil = now + math.min(tonumber(ARGV[5]), 1000 * 2 ^ (failures - 1))
  redis.call('HSET', KEYS[2], 'failures', failures, 'waitUntil', waitUntil, 'underWay', underWay)
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return said(0)
`;

/** Counts guesses in Redis for all replicas, each call one script: all of it or nothing. `local` learns what Redis says, and Redis what was counted there. Every call @throws Unavailable `redis` */
export class RedisGuessCounts implements GuessCounts {
  constructor(
    private readonly redis: Redis,
    private readonly local: LocalGuessCounts,
  ) {}

  async reserve(keys: GuessKeys): Promise<number> {
    const claims = this.local.claim(keys);
    const values = [...RESERVE_OPTIONS, ...argumentsOfClaim(claims.pair), ...countersOf(keys, claims)];
    try {
      const { waitMs, said } = await this.run('reserve-login', RESERVE, keys, values, (late) =>
        this.local.learnLate(keys, claims, late.waitMs === 0 ? 1 : 0, late.said),
      );
      this.local.learn(keys, said, claims.askedAtMs, claims);
      return waitMs;
    } catch (error) {
      this.local.restore(claims);
      throw error;
    }
  }

  async settle(keys: GuessKeys, isRight: boolean): Promise<void> {
    const askedAtMs = this.local.now();
    const values = [isRight ? 1 : 0, QUIET_MS, DELAY_MAX_MS];
    const { said } = await this.run('settle-login', SETTLE, keys, values, (late) =>
      this.local.learnLateSettle(keys, isRight, late.said, askedAtMs),
    );
    this.local.learn(keys, said, askedAtMs);
  }

  private async run(
    operation: string,
    script: string,
    keys: GuessKeys,
    values: readonly (string | number)[],
    onLate: (answer: GuessAnswer) => void,
  ): Promise<GuessAnswer> {
    const names = [keys.pair, keys.day, keys.address]
      .filter((key) => key !== null)
      .map((key) => this.redis.key(`guesses:${key}`));
    const all = [this.redis.key(COUNTING_SINCE), ...names, newId(), UNDER_WAY_MS, ...values];
    const answer = await this.redis.run(
      operation,
      (client) => client.eval(script, names.length + 1, ...all),
      undefined,
      (late) => onLate(readAnswer(late)),
    );
    return readAnswer(answer);
  }
}

/** ARGV[3..7] of `RESERVE`. */
const RESERVE_OPTIONS = [UNDER_WAY_MAX, UNDER_WAY_RETRY_MS, FEW_GUESSES, FEW_GUESSES_KEPT_MS, QUIET_MS] as const;

function countersOf({ day, address }: GuessKeys, { counters }: GuessClaims): readonly (string | number)[] {
  const limits = [
    ...(day === null ? [] : [[GUESSES_PER_DAY, 0]]),
    ...(address === null ? [] : [[FAILURES_PER_ADDRESS, ADDRESS_WINDOW_MS]]),
  ];
  return limits.flatMap((limit, i) => [...limit, ...argumentsOfClaim(counters[i] ?? NOTHING)]);
}

interface GuessAnswer {
  readonly waitMs: number;
  readonly said: SharedGuesses;
}

/** Reads what both scripts return: see `READ_PAIR`. */
function readAnswer(answer: unknown): GuessAnswer {
  const [since, ...numbers] = Array.isArray(answer) ? answer.map(String) : [];
  const [wait = 0, failures = 0, waitMs = 0, underWay = 0, ...counts] = numbers.map(Number);
  const said = { since: since ?? '', failures, waitMs, underWay, counters: pairsOf(counts, since ?? '') };
  return { waitMs: wait, said };
}

const pairsOf = (counts: readonly number[], since: string): readonly SharedCount[] =>
  counts.flatMap((count, i) => (i % 2 === 0 ? [{ since, count, leftMs: counts[i + 1] ?? 0 }] : []));
