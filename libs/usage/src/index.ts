export { DailyUse, type DailyLimits } from './daily-use.js';
export { DailyUseModule } from './daily-use.module.js';
export { MeteringModule } from './metering.module.js';
export { RequestCounts, type RequestUsage } from './request-counts.js';
export { RequestMeter } from './request-meter.js';
export { MeterAnswers, type CompletionUse } from './meter-answers.js';
export type { Use } from './use-batch.js';
