import { z } from 'zod';

/** Redis channel on which workers say that an answer, or its failure, can be read: the message is the id of the reply or completion. */
export const ANSWERS_CHANNEL = 'answers';

/** How long a completion's outcome waits in Redis for the process that asked. */
export const COMPLETION_KEPT_S = 120;

/** Name of the Redis key that holds the outcome of a completion. */
export const completionKey = (completionId: string): string => `completion:${completionId}`;

/** Why a completion has no answer, by their own names: the codes of the API's problems. */
export const COMPLETION_FAILURES = [
  'ai_not_configured',
  'ai_failed',
  'ai_quota_exceeded',
  'ai_refused',
  'ai_input_too_long',
  'ai_misconfigured',
  'ai_overloaded',
  'ai_timed_out',
  'budget_exhausted',
] as const;
export type CompletionFailure = (typeof COMPLETION_FAILURES)[number];

/**
 * The outcome of `/ai/complete`, as it travels through Redis. Both releases of a deployment write and read it: a field that may be missing has a default, one that the release before does not
 * know is stripped there, and a value that it does not know would fail.
 */
export const completionOutcome = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('done'),
    text: z.string(),
    finishReason: z.enum(['stop', 'length', 'content-filter', 'other']).default('stop'),
    /** The model was not shown all of the prompt. */
    isInputCut: z.boolean().default(false),
  }),
  z.object({
    status: z.literal('failed'),
    /** As the release before knows it: what its API tells. Ours asks `completionFailure`. */
    code: z.enum(['ai_not_configured', 'ai_failed', 'ai_quota_exceeded']),
    /** What `code` stands for, where the release before the budgets does not know it: a quota that is used up. */
    reason: z.literal('budget_exhausted').optional(),
    /** What `code` stands for; missing from the release before, and taken for missing where a later one has a new name. */
    failure: z.enum(COMPLETION_FAILURES).optional().catch(undefined),
    retryAfterS: z.int().nullable(),
    isInputCut: z.boolean().default(false),
  }),
]);
export type CompletionOutcome = z.infer<typeof completionOutcome>;

type FailedCompletion = Extract<CompletionOutcome, { status: 'failed' }>;

/** Why a completion has no answer. */
export function completionFailure({ code, reason, failure }: FailedCompletion): CompletionFailure {
  return failure ?? reason ?? code;
}

/** An outcome without an answer, in words of both releases. */
export function failedCompletion(
  failure: CompletionFailure,
  { retryAfterS, isInputCut }: Pick<FailedCompletion, 'retryAfterS' | 'isInputCut'>,
): CompletionOutcome {
  const reason = failure === 'budget_exhausted' ? failure : undefined;
  return { status: 'failed', code: codeBefore(failure), reason, failure, retryAfterS, isInputCut };
}

function codeBefore(failure: CompletionFailure): FailedCompletion['code'] {
  if (failure === 'budget_exhausted') return 'ai_quota_exceeded';
  return failure === 'ai_not_configured' || failure === 'ai_quota_exceeded' ? failure : 'ai_failed';
}
