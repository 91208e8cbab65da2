import type { CompletionAsked } from '@edgechat/contracts';
import type { Handler, Handlers } from './job-runner.js';

/** Handlers of all jobs: one for those of a conversation, one for prompts. */
export const handlersOf = (
  ofConversation: Handler<{ readonly conversationId: string }>,
  ofPrompt: Handler<CompletionAsked> = () => Promise.resolve(),
): Handlers => ({
  'conversations.store-messages': ofConversation,
  'conversations.fan-out-messages': ofConversation,
  'search.index-messages': ofConversation,
  'conversations.purge-conversation': ofConversation,
  'assistant.reply-to-message': ofConversation,
  'assistant.complete-prompt': ofPrompt,
});
