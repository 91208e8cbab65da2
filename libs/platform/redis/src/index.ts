export { DEADLINE_MS, PREFIX, Redis, type Subscriber } from './redis.js';
export { RedisModule } from './redis.module.js';
