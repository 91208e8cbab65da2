import { z } from 'zod';
import type { JobContract } from './job.js';
import { FAILURE_CODES } from './signals.js';

const conversationNews = z.object({ conversationId: z.guid() });
export type ConversationNews = z.infer<typeof conversationNews>;

const news = {
  version: 1,
  payload: conversationNews,
  attempts: 5,
  backoffMs: 500,
  keepsFailed: true,
  coalesceBy: (payload: ConversationNews) => payload.conversationId,
} as const;

/**
 * News of all conversations in so many lanes: a ring in a lane adds nothing while its job waits, and a run takes what is owed by any conversation. So a burst costs a few runs, however many conversations it is in,
 * and a worker that hangs holds up one lane, whose debts the other pays. Two are enough for that: of each further one a burst makes runs that find nothing left to pay.
 */
const LANES = 2;
const anyNews = {
  ...news,
  version: 2,
  coalesceBy: (payload: ConversationNews) => String(Number.parseInt(payload.conversationId.slice(-2), 16) % LANES),
} as const;

/** Brings texts that are still only in the outbox into MongoDB: those that their sender could not. */
export const storeMessages = {
  name: 'conversations.store-messages',
  queue: 'deliveries',
  timeoutMs: 30_000,
  pays: 'store',
  ...news,
} as const satisfies JobContract<string, ConversationNews>;

/** Brings the order of the members' inboxes up to date, of whatever conversation owes it. */
export const fanOutMessages = {
  name: 'conversations.fan-out-messages',
  queue: 'deliveries',
  timeoutMs: 30_000,
  pays: 'fan_out',
  ...anyNews,
} as const satisfies JobContract<string, ConversationNews>;

/** Makes messages searchable, of whatever conversation owes it. (Version 1 wrote an index that searches no longer read.) */
export const indexMessages = {
  name: 'search.index-messages',
  queue: 'deliveries',
  timeoutMs: 30_000,
  pays: 'search',
  ...anyNews,
} as const satisfies JobContract<string, ConversationNews>;

/** Removes what is left of a deleted conversation. */
export const purgeConversation = {
  name: 'conversations.purge-conversation',
  queue: 'purges',
  timeoutMs: 120_000,
  pays: 'purge',
  ...news,
} as const satisfies JobContract<string, ConversationNews>;

/** Answers the questions of a conversation that wait for the assistant, lowest first. The deadline of each is its own. */
export const replyToMessage = {
  name: 'assistant.reply-to-message',
  queue: 'replies',
  timeoutMs: 3_700_000,
  pays: null,
  ...news,
} as const satisfies JobContract<string, ConversationNews>;

const completion = z.object({
  completionId: z.uuid(),
  accountId: z.int().positive(),
  prompt: z.string().max(64_000),
  deadlineAt: z.iso.datetime(),
  // What follows is there once it was put off. The release before neither writes nor reads it.
  /** Calls of the provider that were made for it. */
  calls: z.int().min(0).optional(),
  /** What they failed for; missing too where a later release has a new name. */
  failure: z.enum(FAILURE_CODES).optional().catch(undefined),
  /** Those of them that are billed, each with a number of its run's: whoever gives the outcome charges them with it. */
  failedCalls: z
    .array(
      z.object({
        epoch: z.int().min(1),
        call: z.int().min(1),
        tokensIn: z.int().min(0),
        tokensOut: z.int().min(0),
      }),
    )
    .optional(),
});
export type CompletionAsked = z.infer<typeof completion>;

/** Answers one prompt outside of any conversation. Nothing is owed: when it is lost, the caller is told so at its deadline. */
export const completePrompt = {
  name: 'assistant.complete-prompt',
  version: 1,
  queue: 'replies',
  payload: completion,
  attempts: 3,
  backoffMs: 500,
  timeoutMs: 3_700_000,
  pays: null,
  keepsFailed: false,
} as const satisfies JobContract<string, CompletionAsked>;

/** All jobs there are. A worker has exactly one handler for each. */
export const JOBS = {
  storeMessages,
  fanOutMessages,
  indexMessages,
  purgeConversation,
  replyToMessage,
  completePrompt,
} as const;

export type AnyJob = (typeof JOBS)[keyof typeof JOBS];
export type JobName = AnyJob['name'];
export type JobNamed<Name extends JobName> = Extract<AnyJob, { name: Name }>;
