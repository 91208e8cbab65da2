export { DailyUse, type DailyLimits } from './daily-use.js';
export { DailyUseModule } from './daily-use.module.js';
export { MeteringModule } from './metering.module.js';
export { RequestCounts, type RequestUsage } from './request-counts.js';
export { RequestMeter } from './request-meter.js';
export { toBill, type BilledCall, type ChargedTo } from './billed-calls.js';
export { MeterAnswers, type CompletionRun } from './meter-answers.js';
export type { Use } from './use-batch.js';
