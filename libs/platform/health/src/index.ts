export { Health, type Check, type StoreName } from './health.js';
export { HealthModule } from './health.module.js';
