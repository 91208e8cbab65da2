import { codePoints, isText } from '@edgechat/kernel';
import type { Answer, ChatTurn } from '../ports/language-model.js';
import { DemoLanguageModel } from './demo-language-model.js';
import { deadlineIn } from './test-requests.js';

const ask = (...contents: string[]): Promise<Answer> => {
  const messages = contents.map((content, i): ChatTurn => ({ role: i % 2 === 0 ? 'user' : 'model', content }));
  return new DemoLanguageModel().complete({ messages, ...deadlineIn(1_000) });
};

describe('the demo assistant', () => {
  it('says that it is one, and repeats the question', async () => {
    expect(await ask('Wie geht’s, 世界?\nGut?')).toEqual({
      text: '[EdgeChat demo assistant, no AI model] #1 «Wie geht’s, 世界?\nGut?»',
      tokensIn: expect.any(Number),
      tokensOut: expect.any(Number),
      finishReason: 'stop',
      calls: 1,
      failedCalls: [],
      isHistoryRefused: false,
    });
  });

  it('says whom it answers, where several people talk', async () => {
    const messages: ChatTurn[] = [
      { role: 'system', content: 'Be one of several.' },
      { role: 'user', speaker: 'Bob', content: 'I am away' },
      { role: 'user', speaker: 'Ada (17)', content: '@assistant where is Bob?' },
    ];
    const { text } = await new DemoLanguageModel().complete({ messages, ...deadlineIn(1_000) });
    expect(text).toBe('[EdgeChat demo assistant, no AI model] #2 Ada (17): «@assistant where is Bob?»');
  });

  it('answers the same history with the same text, another with another', async () => {
    const first = await ask('one', 'answer', 'two');
    expect(await ask('one', 'answer', 'two')).toEqual(first);
    expect((await ask('two')).text).not.toBe(first.text);
  });

  it('shows the beginning, the end and the length of a very long question', async () => {
    const { text, tokensIn } = await ask(`begin ${'😀'.repeat(31_000)} end`);
    expect(text).toContain('«begin 😀');
    expect(text).toContain('😀 end (31010)»');
    expect(codePoints(text)).toBeLessThan(400);
    expect(isText(text)).toBe(true);
    expect(tokensIn).toBeGreaterThan(31_000);
  });

  it('fails once its deadline has passed', async () => {
    const answer = new DemoLanguageModel().complete({
      messages: [{ role: 'user', content: 'x' }],
      ...deadlineIn(10_000),
      signal: AbortSignal.abort(),
    });
    await expect(answer).rejects.toMatchObject({ name: 'AnswerFailed', code: 'ai_timed_out' });
  });
});
