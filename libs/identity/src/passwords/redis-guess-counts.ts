import type { Redis } from '@edgechat/platform/redis';
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

/** The clock of Redis in milliseconds, the same for all replicas, and the pair at KEYS[1]. ARGV[1]: for how long an attempt counts as under way. */
const READ_PAIR = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local pair = redis.call('HMGET', KEYS[1], 'failures', 'waitUntil', 'underWay', 'beganAt')
local failures, waitUntil = tonumber(pair[1] or 0), tonumber(pair[2] or 0)
local underWay, beganAt = tonumber(pair[3] or 0), tonumber(pair[4] or 0)
if now - beganAt > tonumber(ARGV[1]) then underWay = 0 end
`;

/**
 * KEYS[1] pair, and after it the counters. ARGV[2] attempts under way while there is no failure, ARGV[3] wait because of them; ARGV[4] counts of few guesses, ARGV[5] how long they are kept;
 * then for each counter its limit, and its window (0: the day in UTC). Times in ms.
 * Returns 0 when the attempt was counted, else how long it has to wait.
 */
const RESERVE = `${READ_PAIR}
local function left(n)
  local window = tonumber(ARGV[2 * n + 3])
  if window == 0 then return 86400000 - now % 86400000 end
  local life = redis.call('PTTL', KEYS[n])
  return life > 0 and life or window
end
local wait = 0
if waitUntil > now then wait = waitUntil - now
elseif underWay >= (failures == 0 and tonumber(ARGV[2]) or 1) then wait = tonumber(ARGV[3]) end
for n = 2, #KEYS do
  if tonumber(redis.call('GET', KEYS[n]) or 0) >= tonumber(ARGV[2 * n + 2]) then wait = math.max(wait, left(n)) end
end
if wait > 0 then return wait end
redis.call('HSET', KEYS[1], 'underWay', underWay + 1, 'beganAt', now)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
for n = 2, #KEYS do
  local count = redis.call('INCR', KEYS[n])
  if tonumber(ARGV[2 * n + 3]) == 0 then
    redis.call('PEXPIRE', KEYS[n], count < tonumber(ARGV[4]) and math.min(left(n), tonumber(ARGV[5])) or left(n))
  elseif redis.call('PTTL', KEYS[n]) < 0 then redis.call('PEXPIRE', KEYS[n], ARGV[2 * n + 3]) end
end
return 0
`;

/** KEYS as above. ARGV[2] '1' for a right password, ARGV[3] when failures are forgotten, ARGV[4] the longest delay; in ms. */
const SETTLE = `${READ_PAIR}
underWay = math.max(0, underWay - 1)
if ARGV[2] == '1' then
  if underWay == 0 then redis.call('DEL', KEYS[1])
  else redis.call('HSET', KEYS[1], 'failures', 0, 'waitUntil', 0, 'underWay', underWay) end
  for n = 2, #KEYS do
    if tonumber(redis.call('GET', KEYS[n]) or 0) > 0 then redis.call('DECR', KEYS[n]) end
  end
else
  failures = failures + 1
  local delay = math.min(tonumber(ARGV[4]), 1000 * 2 ^ (failures - 1))
  redis.call('HSET', KEYS[1], 'failures', failures, 'waitUntil', now + delay, 'underWay', underWay)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 0
`;

/** Counts guesses in Redis for all replicas, each call one script: all of it or nothing. Every call @throws Unavailable `redis` */
export class RedisGuessCounts implements GuessCounts {
  constructor(private readonly redis: Redis) {}

  async reserve(keys: GuessKeys): Promise<number> {
    const counters = [
      ...(keys.day === null ? [] : [GUESSES_PER_DAY, 0]),
      ...(keys.address === null ? [] : [FAILURES_PER_ADDRESS, ADDRESS_WINDOW_MS]),
    ];
    const options = [UNDER_WAY_MS, UNDER_WAY_MAX, UNDER_WAY_RETRY_MS, FEW_GUESSES, FEW_GUESSES_KEPT_MS];
    return Number(await this.run('reserve-login', RESERVE, keys, [...options, ...counters]));
  }

  async settle(keys: GuessKeys, isRight: boolean): Promise<void> {
    await this.run('settle-login', SETTLE, keys, [UNDER_WAY_MS, isRight ? 1 : 0, QUIET_MS, DELAY_MAX_MS]);
  }

  private run(operation: string, script: string, keys: GuessKeys, values: readonly number[]): Promise<unknown> {
    const names = [keys.pair, keys.day, keys.address]
      .filter((key) => key !== null)
      .map((key) => this.redis.key(`guesses:${key}`));
    return this.redis.run(operation, (client) => client.eval(script, names.length, ...names, ...values));
  }
}
