export * from './breaker.js';
export * from './clock.js';
export * from './errors.js';
export * from './ids.js';
export * from './page.js';
export * from './points.js';
export * from './slots.js';
export * from './text.js';
