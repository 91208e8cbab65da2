import fc from 'fast-check';
import { INLINING_TOKENS } from '../domain/context-window.js';
import { countTokens } from '../domain/count-tokens.js';
import type { ChatTurn } from '../ports/language-model.js';
import { partsOf, promptOf } from './prompt.js';

const user = (content: string): ChatTurn => ({ role: 'user', content });
const model = (content: string): ChatTurn => ({ role: 'model', content });
const system = (content: string): ChatTurn => ({ role: 'system', content });

const shown = (...turns: readonly ChatTurn[]): string[] =>
  promptOf(partsOf(turns)).messages.map(({ role, content }) => `${role}: ${String(content)}`);

describe('what is sent', () => {
  it('begins with a person, whatever the window left of the history', () => {
    expect(shown(model('a'), model('b'), user('c'), model('d'), user('e'))).toEqual([
      'user: c',
      'assistant: d',
      'user: e',
    ]);
  });

  it('has one turn, of one text, for neighbours of one role', () => {
    expect(shown(user('a'), user('b'), model('c'), model('d'), user('e'))).toEqual([
      'user: a\n\nb',
      'assistant: c\n\nd',
      'user: e',
    ]);
  });

  it('has no blank turns, and joins around them', () => {
    expect(shown(user('a'), model(' \n'), user('b'))).toEqual(['user: a\n\nb']);
  });

  it('has a blank question', () => {
    expect(shown(user('a'), model('b'), user(' '))).toEqual(['user: a', 'assistant: b', 'user:  ']);
  });

  it('names who said what, each text by itself', () => {
    expect(
      shown({ ...user('a'), speaker: 'Ada' }, { ...user('b'), speaker: 'Bob' }, model('c'), {
        ...user(' '),
        speaker: 'Ada',
      }),
    ).toEqual(['user: ⟦Ada⟧ a\n\n⟦Bob⟧ b', 'assistant: c', 'user: ⟦Ada⟧  ']);
  });

  it('alternates, begins with a person, ends with the question and has one text a turn, whatever was said', () => {
    const turn = fc.record<ChatTurn>({
      role: fc.constantFrom('user', 'model', 'system'),
      content: fc.constantFrom('', ' ', 'a', 'b\n\nc', '\n'),
    });
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 12 }), fc.constantFrom('apart', 'inlined'), (turns, placement) => {
        const { messages } = promptOf(partsOf([...turns, user('the question')]), placement);
        expect(messages.map(({ role }) => role)).toEqual(messages.map((_, i) => (i % 2 === 0 ? 'user' : 'assistant')));
        expect(messages.every(({ content }) => typeof content === 'string')).toBe(true);
        expect(messages.at(-1)?.role).toBe('user');
        expect(messages.at(-1)?.content).toMatch(/the question$/);
      }),
    );
  });
});

describe('instructions', () => {
  it('stand apart from the turns', () => {
    const prompt = promptOf(partsOf([system('Be brief.'), user('a'), system('Be kind.')]));
    expect(prompt.system).toBe('Be brief.\n\nBe kind.');
    expect(prompt.messages).toEqual([user('a')]);
    expect(promptOf(partsOf([user('a')])).system).toBeUndefined();
  });

  it('stand before the first text where a model knows none, and end before it', () => {
    const turns = [system('Be brief.'), { ...user('a'), speaker: 'Ada' }, model('b'), user('c')];
    const { system: apart, messages } = promptOf(partsOf(turns), 'inlined');
    expect(apart).toBeUndefined();
    expect(messages).toEqual([
      { role: 'user', content: expect.stringMatching(/^Instructions .*:\nBe brief\.\n\n.*begins here\.\n\n⟦Ada⟧ a$/) },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: 'c' },
    ]);
  });

  it('take no more around them there than the window keeps for it', () => {
    const { messages } = promptOf(partsOf([system('Be brief.'), user('a')]), 'inlined');
    const around = countTokens(String(messages[0]?.content)) - countTokens('Be brief.') - countTokens('a');
    expect(around).toBeLessThanOrEqual(INLINING_TOKENS);
  });

  it('that are not there change nothing', () => {
    const parts = partsOf([user('a'), model('b'), user('c')]);
    expect(promptOf(parts, 'inlined')).toEqual(promptOf(parts, 'apart'));
  });
});

describe('the parts of a history', () => {
  it('are the instructions, what stands before the question, and the question', () => {
    expect(partsOf([system('s'), model('lost its question'), user('a'), model(' '), user('b'), user('c')])).toEqual({
      instruction: 's',
      older: [user('a'), user('b')],
      question: user('c'),
    });
  });

  it('are empty without a question', () => {
    expect(partsOf([model('hello')])).toEqual({ instruction: undefined, older: [], question: undefined });
    expect(promptOf(partsOf([])).messages).toEqual([]);
  });
});
