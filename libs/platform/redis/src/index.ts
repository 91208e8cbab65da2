export { DEADLINE_MS, PREFIX, Redis, type Subscriber } from './redis.js';
export { WindowCounters, type Taken, type WindowCount, type WindowCounter } from './window-counters.js';
export { RedisModule } from './redis.module.js';
