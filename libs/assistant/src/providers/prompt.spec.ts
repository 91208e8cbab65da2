import type { ChatTurn } from '../ports/language-model.js';
import { promptOf } from './prompt.js';

const user = (content: string): ChatTurn => ({ role: 'user', content });
const model = (content: string): ChatTurn => ({ role: 'model', content });
const system = (content: string): ChatTurn => ({ role: 'system', content });

/** `user: a | b` for a turn of two parts. */
function shown(turns: readonly ChatTurn[], { mergesTurns }: { mergesTurns: boolean }): string[] {
  return promptOf(turns, { mergesTurns }).messages.map(({ role, content }) => {
    const parts =
      typeof content === 'string' ? [content] : content.map((part) => (part.type === 'text' ? part.text : part.type));
    return `${role}: ${parts.join(' | ')}`;
  });
}

describe('promptOf', () => {
  it('begins with a person, whatever the window left of the history', () => {
    expect(shown([model('a'), model('b'), user('c'), model('d'), user('e')], { mergesTurns: true })).toEqual([
      'user: c',
      'assistant: d',
      'user: e',
    ]);
  });

  it('makes one turn of neighbours where the provider wants it', () => {
    const turns = [user('a'), user('b'), model('c'), model('d'), user('e')];
    expect(shown(turns, { mergesTurns: true })).toEqual(['user: a | b', 'assistant: c | d', 'user: e']);
    expect(shown(turns, { mergesTurns: false })).toEqual([
      'user: a',
      'user: b',
      'assistant: c',
      'assistant: d',
      'user: e',
    ]);
  });

  it('leaves out blank turns, and merges around them', () => {
    expect(shown([user('a'), model(' \n'), user('b')], { mergesTurns: true })).toEqual(['user: a | b']);
  });

  it('keeps a blank question', () => {
    expect(shown([user('a'), model('b'), user(' ')], { mergesTurns: true })).toEqual([
      'user: a',
      'assistant: b',
      'user:  ',
    ]);
  });

  it('names who said what, each text by itself, also where turns are merged', () => {
    const turns: ChatTurn[] = [
      { ...user('a'), speaker: 'Ada' },
      { ...user('b'), speaker: 'Bob' },
      model('c'),
      { ...user(' '), speaker: 'Ada' },
    ];
    expect(shown(turns, { mergesTurns: true })).toEqual(['user: ⟦Ada⟧ a | ⟦Bob⟧ b', 'assistant: c', 'user: ⟦Ada⟧  ']);
    expect(shown(turns, { mergesTurns: false })).toEqual([
      'user: ⟦Ada⟧ a',
      'user: ⟦Bob⟧ b',
      'assistant: c',
      'user: ⟦Ada⟧  ',
    ]);
  });

  it('sends instructions apart from the turns', () => {
    const prompt = promptOf([system('Be brief.'), user('a'), system('Be kind.')], { mergesTurns: true });
    expect(prompt.system).toBe('Be brief.\n\nBe kind.');
    expect(prompt.messages).toHaveLength(1);
    expect(promptOf([user('a')], { mergesTurns: true }).system).toBeUndefined();
  });
});
