import { z } from 'zod';

/** Redis channel on which workers say that an answer, or its failure, can be read: the message is the id of the reply or completion. */
export const ANSWERS_CHANNEL = 'answers';

/** How long a completion's outcome waits in Redis for the process that asked. */
export const COMPLETION_KEPT_S = 120;

/** Name of the Redis key that holds the outcome of a completion. */
export const completionKey = (completionId: string): string => `completion:${completionId}`;

/** The outcome of `/ai/complete`, as it travels through Redis. */
export const completionOutcome = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('done'),
    text: z.string(),
    // (A worker of the release before does not say these.)
    isInputCut: z.boolean().optional(),
    finishReason: z.string().optional(),
  }),
  z.object({
    status: z.literal('failed'),
    code: z.enum(['ai_not_configured', 'ai_failed', 'ai_quota_exceeded']),
    /** What `code` stands for, where the release before does not know it: to an API of that release it is a quota that is used up. */
    reason: z.literal('budget_exhausted').optional(),
    /** The code by its own name. */
    failure: z.string().optional(),
    retryAfterS: z.int().nullable(),
  }),
]);
export type CompletionOutcome = z.infer<typeof completionOutcome>;
