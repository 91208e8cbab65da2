import fc from 'fast-check';
import { ProviderFault } from './provider-fault.js';

/** A fault of any kind, with any code, wait and doubt, also such as no provider has. */
export const anyFault = fc
  .record({
    kind: fc.constantFrom('refused', 'unreachable', 'cut', 'malformed', 'too_large', 'empty', 'unexpected'),
    status: fc.constantFrom(undefined, 400, 401, 408, 413, 429, 500, 503, 529),
    code: fc.constantFrom(
      'ai_failed',
      'ai_refused',
      'ai_input_too_long',
      'ai_overloaded',
      'ai_quota_exceeded',
      'ai_misconfigured',
    ),
    retryAfterMs: fc.constantFrom(null, null, 0, 400, 1_000, 3_000, 40_000, 4_000_000),
    mayRetry: fc.constantFrom(null, null, true, false),
    isUnexplained: fc.boolean(),
    mayBeForm: fc.boolean(),
    mayBeHistory: fc.boolean(),
    use: fc.constantFrom(null, { tokensIn: 5, tokensOut: 3 }),
  } as const)
  .map(
    ({ kind, status, ...details }) => new ProviderFault(kind, { ...details, ...(status !== undefined && { status }) }),
  );
