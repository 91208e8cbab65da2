import { eventually, startStack, type Behaviour, type Client, type Stack } from '@edgechat/testing';
import { searched } from './people.js';

/** What a provider says besides its answer, and how it says it, as a client sees it; somebody else asks all the while. */
let stack: Stack;
let ada: Client;
let bob: Client;
beforeAll(async () => {
  stack = await startStack();
  ada = await stack.client().register();
  bob = await stack.client().register();
});
afterAll(() => stack.close());

/** Ada asks a provider that behaves so, while Bob has a good answer. */
async function asked(conversation: string, content: string, behaviour: Behaviour): Promise<string> {
  const judge = stack.provider.judge(({ question }) => (question === content ? behaviour : null));
  const [hers, his] = await Promise.all([
    ada.send(conversation, content),
    bob.send(await bob.conversation(), `beside ${content}`),
  ]);
  judge.forget();
  expect(his.body['model_message'].content).toBe(`echo: beside ${content}`);
  expect(stack.provider.requests(content)).toHaveLength(1);
  return hers.status === 200 ? String(hers.body['model_message'].content) : `${hers.status}`;
}

describe('what a model thought', () => {
  it('is not shown, kept, found or sent back', async () => {
    const conversation = await ada.conversation();
    const text = '<think>\nzebra zebra\n</think>\n\nThe answer is four.';
    expect(await asked(conversation, 'two and two?', { kind: 'answer', text })).toBe('The answer is four.');
    const left = 'zebra again\n</think>\n\nStill four.';
    expect(await asked(conversation, 'are you sure?', { kind: 'answer', text: left })).toBe('Still four.');

    await ada.send(conversation, 'thank you');
    expect(JSON.stringify(await ada.messages(conversation))).not.toMatch(/zebra|think/);
    expect(JSON.stringify(stack.provider.requests('thank you')[0]?.body)).not.toMatch(/zebra|think/);
    await eventually(async () => (await searched(ada, 'four')).length === 2, { withinMs: 10_000 });
    expect(await searched(ada, 'zebra')).toEqual([]);
  });

  it.each(['<think>zebra</think>\n', '<think>zebra', '\u200b\u2060', '\u3164'])(
    'is no answer, nor is what nobody would see: %j',
    async (text) => {
      const conversation = await ada.conversation();
      expect(await asked(conversation, `question ${JSON.stringify(text)}`, { kind: 'answer', text })).toBe('503');
      expect(await ada.messages(conversation)).toHaveLength(1);
    },
  );
});

describe('a whole answer in another shape', () => {
  it.each([
    {
      choices: [{ message: { role: 'model', content: 'yes' } }],
      usage: { prompt_tokens: '7', completion_tokens: '3' },
    },
    { id: 123, choices: [{ message: { content: [{ type: 'text', text: 'yes' }] }, finish_reason: null }], error: null },
    [{ candidates: [{ content: { parts: [{ text: 'yes' }] } }] }],
  ])('is the answer, for one call: %j', async (body) => {
    const conversation = await ada.conversation();
    expect(await asked(conversation, `shape ${JSON.stringify(body)}`, { kind: 'raw', body })).toBe('yes');
  });
});
