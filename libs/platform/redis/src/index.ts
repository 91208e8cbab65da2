export { checkRedis, type RedisCheck } from './check-redis.js';
export { PREFIX } from './prefix.js';
export { DEADLINE_MS, Redis, type Subscriber } from './redis.js';
export { WindowCounters, type Taken, type WindowCount, type WindowCounter } from './window-counters.js';
export { RedisModule } from './redis.module.js';
