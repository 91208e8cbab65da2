import type { z } from 'zod';

/** A purge can take minutes, an answer too: neither may hold up a delivery. */
export const QUEUES = ['deliveries', 'replies', 'purges'] as const;
export type QueueName = (typeof QUEUES)[number];

/** The kinds of debt that the outbox knows; a job that pays one names it. */
export type DebtKind = 'store' | 'fan_out' | 'search' | 'purge';

/**
 * What the process that asks for work and the one that does it must agree on.
 * Raise `version` when an older worker could misread the payload: it then leaves the job to a newer one.
 */
export interface JobContract<Name extends string = string, Payload = unknown> {
  readonly name: Name;
  readonly version: number;
  readonly queue: QueueName;
  readonly payload: z.ZodType<Payload>;
  /** Tries in all, and the first pause between two of them; pauses double. What is owed is owed even after the last. */
  readonly attempts: number;
  readonly backoffMs: number;
  readonly timeoutMs: number;
  readonly pays: DebtKind | null;
  /** Whether a job that failed for good is kept for people to look at; not where it holds what a client wrote. */
  readonly keepsFailed: boolean;
  /** Jobs with the same key coalesce: while one waits, others add nothing; one rung while it runs makes it run once more. Without it each job stands for itself. */
  coalesceBy?(payload: Payload): string;
}

export type PayloadOf<Contract> = Contract extends JobContract<string, infer Payload> ? Payload : never;
