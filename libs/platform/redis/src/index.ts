export { checkRedis, type RedisCheck } from './check-redis.js';
export { PREFIX } from './prefix.js';
export { DEADLINE_MS, Redis, type Subscriber } from './redis.js';
export {
  argumentsOfClaim,
  claimLost,
  claimTold,
  claimUnshared,
  COUNTING_SINCE,
  KnownWindows,
  NOTHING,
  uncount,
  type Claim,
  type SharedCount,
  type Told,
} from './known-windows.js';
export { type Taken, type WindowCount, type WindowCounter } from './window-count.js';
export { WindowCounters } from './window-counters.js';
export { RedisModule } from './redis.module.js';
