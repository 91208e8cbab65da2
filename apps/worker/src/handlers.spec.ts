import { jest } from '@jest/globals';
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

describe('a run for the news of all conversations', () => {
  afterEach(() => void jest.useRealTimers());

  it.each(['conversations.fan-out-messages', 'search.index-messages'] as const)(
    'of %s pays at once and then rests, so that what rings meanwhile makes one run; a stop ends the rest',
    async (name) => {
      jest.useFakeTimers();
      const events: string[] = [];
      const pay = { run: () => nothing().then(() => void events.push('paid')) };
      const ending = new AbortController();

      const run = handlersOf({ fanOut: pay, index: pay } as unknown as UseCases)
        [name]({ conversationId: '' }, ending.signal)
        .then(() => events.push('over'));
      await jest.advanceTimersByTimeAsync(20);
      expect(events).toEqual(['paid']);

      ending.abort();
      await run;
      expect(events).toEqual(['paid', 'over']);
    },
  );
});

describe('the table of handlers', () => {
  it('has one handler for each job', () => {
    const names = Object.keys(handlersOf({} as UseCases)).sort();

    expect(names).toEqual(
      Object.values(JOBS)
        .map(({ name }) => name)
        .sort(),
    );
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
