import type { JobContract } from './job.js';
import {
  completePrompt,
  fanOutMessages,
  indexMessages,
  purgeConversation,
  replyToMessage,
  type CompletionAsked,
  type ConversationNews,
} from './jobs.js';

/** What can happen, and what is told of it. */
export interface Events {
  /** A person's message or an answer has its number. */
  'message.sent': ConversationNews;
  /** Other members' inboxes are to be brought up to date. */
  'inboxes.owed': ConversationNews;
  /** An answer is owed, or owed anew. */
  'answer.asked': ConversationNews;
  'conversation.deleted': ConversationNews;
  'completion.asked': CompletionAsked;
}
export type EventName = keyof Events;

/** What follows each event. */
export const reactions = {
  'message.sent': [indexMessages],
  'inboxes.owed': [fanOutMessages],
  'answer.asked': [replyToMessage],
  'conversation.deleted': [purgeConversation],
  'completion.asked': [completePrompt],
} as const satisfies { readonly [Name in EventName]: readonly JobContract<string, Events[Name]>[] };

/** One thing that happened, and the request that it happened for; the id travels with the jobs into the worker's log. */
export type Happening = {
  readonly [Name in EventName]: {
    readonly event: Name;
    readonly payload: Events[Name];
    readonly requestId: string | null;
  };
}[EventName];
