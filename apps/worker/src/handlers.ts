import { Injectable } from '@nestjs/common';
import { CompletePrompt, ReplyToMessage } from '@edgechat/assistant/worker';
import { FanOutMessages, PurgeConversation, StoreMessages } from '@edgechat/conversations';
import { pause } from '@edgechat/kernel';
import type { Handlers } from '@edgechat/platform/queue';
import { IndexMessages } from '@edgechat/search';

/** The use cases that jobs end in. */
@Injectable()
export class UseCases {
  constructor(
    readonly store: StoreMessages,
    readonly fanOut: FanOutMessages,
    readonly index: IndexMessages,
    readonly purge: PurgeConversation,
    readonly reply: ReplyToMessage,
    readonly complete: CompletePrompt,
  ) {}
}

/**
 * How long a run for the news of all conversations rests once it has paid: what rings meanwhile makes one more run, not one for each ring. So under load a lane makes at most 40 runs a second,
 * while a message that comes alone waits for nothing.
 */
const REST_MS = 25;

async function thenRest(work: Promise<void>, signal: AbortSignal): Promise<void> {
  await work;
  await pause(REST_MS, signal);
}

/** One line per job. A job without a handler, with two, or with the payload of another does not compile. */
export const handlersOf = (use: UseCases): Handlers => ({
  'conversations.store-messages': ({ conversationId }, signal) => use.store.run(conversationId, signal),
  'conversations.fan-out-messages': (_news, signal) => thenRest(use.fanOut.run(null, signal), signal),
  'search.index-messages': (_news, signal) => thenRest(use.index.run(null, signal), signal),
  'conversations.purge-conversation': ({ conversationId }, signal) => use.purge.run(conversationId, signal),
  'assistant.reply-to-message': ({ conversationId }, signal) => use.reply.run(conversationId, signal),
  'assistant.complete-prompt': (asked, signal) => use.complete.run(asked, signal),
});
