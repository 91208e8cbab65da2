import { JOBS } from '@edgechat/contracts';
import type { Handlers } from '@edgechat/platform/queue';
import { handlersOf, type UseCases } from './handlers.js';

const nothing = (): Promise<void> => Promise.resolve();
const all: Handlers = {
  'conversations.store-messages': nothing,
  'conversations.fan-out-messages': nothing,
  'search.index-messages': nothing,
  'conversations.purge-conversation': nothing,
  'assistant.reply-to-message': nothing,
  'assistant.complete-prompt': nothing,
};

describe('the table of handlers', () => {
  it('has one handler for each job', () => {
    const names = Object.keys(handlersOf({} as UseCases)).sort();

    expect(names).toEqual(Object.values(JOBS).map(({ name }) => name).sort());
    expect(names).toEqual(Object.keys(all).sort());
  });

  // The type check of this file is the test: each line below must be an error.
  it('does not compile with a handler missing, one too many, or the payload of another job', () => {
    const { 'assistant.complete-prompt': one, ...missing } = all;
    // @ts-expect-error a job without a handler
    const lacks: Handlers = missing;
    // @ts-expect-error a handler without a job
    const tooMany: Handlers = { ...all, 'conversations.unknown': nothing };
    // @ts-expect-error the payload of /ai/complete has no conversation
    const foreign: Handlers = { ...all, 'assistant.complete-prompt': ({ conversationId }) => nothing(conversationId) };

    expect([lacks, tooMany, foreign, one]).toHaveLength(4);
  });
});
