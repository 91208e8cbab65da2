export { Bell, type Ring } from './bell.js';
export { JobRunner, PutOff, readJob, type Handler, type Handlers } from './job-runner.js';
export { QueueModule } from './queue.module.js';
