export * from './job.js';
export * from './jobs.js';
export * from './reactions.js';
export * from './signals.js';
