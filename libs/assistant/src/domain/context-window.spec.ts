import { accountId } from '@edgechat/kernel';
import fc from 'fast-check';
import { contextOf as contextAndMark, fitContext as fitAndMark, turnTokens } from './context-window.js';
import { countTokens } from './count-tokens.js';
import { GROUP_INSTRUCTION, type GroupMessage } from './group-talk.js';

interface Turn {
  readonly role: string;
  readonly content: string;
}

const turn = fc.record({
  role: fc.constantFrom('user', 'model'),
  content: fc.string({ unit: 'binary', minLength: 1, maxLength: 120 }),
});
const history = fc.array(turn, { minLength: 1, maxLength: 30 });
const window = fc.integer({ min: 8, max: 400 });

const cost = (turns: readonly Turn[]): number => turns.reduce((sum, { content }) => sum + 4 + countTokens(content), 0);

const fitContext = <Shown extends { readonly content: string; readonly speaker?: string }>(
  turns: readonly Shown[],
  maxTokens: number,
): Shown[] => fitAndMark(turns, maxTokens).turns;
const contextOf = (...args: Parameters<typeof contextAndMark>): ReturnType<typeof contextAndMark>['turns'] =>
  contextAndMark(...args).turns;

describe('fitContext', () => {
  it('sends nothing of nothing', () => {
    expect(fitContext([], 100)).toEqual([]);
  });

  it('sends all of a history that fits', () => {
    const turns = [
      { role: 'user', content: 'one' },
      { role: 'model', content: 'two' },
      { role: 'user', content: 'three' },
    ];
    expect(fitContext(turns, 100)).toEqual(turns);
  });

  it('leaves out the oldest turns, each whole', () => {
    const turns = ['a', 'b', 'c'].map((letter) => ({ role: 'user', content: letter.repeat(30) }));
    expect(fitContext(turns, 28)).toEqual(turns.slice(1));
    expect(fitContext(turns, 27)).toEqual(turns.slice(2));
  });

  it('makes no gap: behind a turn that does not fit nothing older is sent', () => {
    const turns = [{ content: 'tiny' }, { content: 'x'.repeat(900) }, { content: 'newest' }];
    expect(fitContext(turns, 100)).toEqual([{ content: 'newest' }]);
  });

  it('sends the end of a newest message that alone is too long, with all its other fields', () => {
    const turns = [
      { role: 'model', content: 'old' },
      { role: 'user', content: `beginning ${'x'.repeat(32_000)} the question?` },
    ];
    const [sent, ...others] = fitContext(turns, 100);
    expect(others).toEqual([]);
    expect(sent?.role).toBe('user');
    expect(sent?.content.endsWith('x the question?')).toBe(true);
    expect(countTokens(sent?.content ?? '')).toBe(96);
  });

  it('counts the names of speakers, and cuts a text, not the name before it', () => {
    const turns = ['a', 'b'].map((letter) => ({ speaker: 'Ada', content: letter.repeat(30) }));
    const each = turnTokens({ speaker: 'Ada', content: 'a'.repeat(30) });
    expect(each).toBeGreaterThan(turnTokens({ content: 'a'.repeat(30) }));
    expect(fitContext(turns, 2 * each)).toEqual(turns);
    expect(fitContext(turns, 2 * each - 1)).toEqual(turns.slice(1));

    const [cut] = fitContext([{ speaker: 'Ada', content: `beginning ${'x'.repeat(3_000)} the question?` }], 40);
    expect(cut).toEqual({ speaker: 'Ada', content: expect.stringMatching(/^x+ the question\?$/) });
    expect(turnTokens({ speaker: 'Ada', content: cut?.content ?? '' })).toBeLessThanOrEqual(40);
  });

  it('never exceeds the window, and is the longest run of newest turns within it', () => {
    fc.assert(
      fc.property(history, window, (turns, maxTokens) => {
        const sent = fitContext(turns, maxTokens);
        expect(cost(sent)).toBeLessThanOrEqual(maxTokens);

        const longer = turns.slice(turns.length - sent.length - 1);
        expect(sent.length === turns.length || cost(longer) > maxTokens).toBe(true);
      }),
    );
  });

  it('changes no turn but a newest one that is cut, and always sends that', () => {
    fc.assert(
      fc.property(history, window, (turns, maxTokens) => {
        const sent = fitContext(turns, maxTokens);
        expect(sent.slice(0, -1)).toEqual(turns.slice(turns.length - sent.length, -1));
        expect(turns.at(-1)?.content.endsWith(sent.at(-1)?.content ?? 'nothing')).toBe(true);
        expect(sent.at(-1)?.content.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('what a model is sent', () => {
  const says = (seq: number, content: string, id = 1): GroupMessage => ({
    seq,
    role: 'user',
    answersSeq: null,
    authorId: accountId(id),
    authorName: id === 1 ? 'Ada' : 'Bob',
    content,
  });
  const answer = (seq: number, answersSeq: number): GroupMessage => ({
    seq,
    role: 'model',
    answersSeq,
    authorId: null,
    authorName: null,
    content: `answer to ${answersSeq}`,
  });
  const instruction = { role: 'system', content: GROUP_INSTRUCTION };

  it('of one person is the turns as they are', () => {
    expect(contextOf('assistant', [says(1, '⟦one⟧'), answer(3, 1), says(2, 'two')], 1_000)).toEqual([
      { role: 'user', content: '⟦one⟧' },
      { role: 'model', content: 'answer to 1' },
      { role: 'user', content: 'two' },
    ]);
  });

  it.each(['group', 'direct'] as const)('of a %s is who said what, with one instruction before it', (kind) => {
    expect(contextOf(kind, [says(1, 'one'), says(2, 'two', 2), answer(3, 1)], 1_000)).toEqual([
      instruction,
      { role: 'user', speaker: 'Ada', content: 'one' },
      { role: 'model', content: 'answer to 1' },
      { role: 'user', speaker: 'Bob', content: 'two' },
    ]);
  });

  it('counts instruction and names, and has the question last, whatever the window', () => {
    const messages = Array.from({ length: 60 }, (_, i) => says(i + 1, 'some words of a person', (i % 2) + 1));
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1_200 }), (maxTokens) => {
        const [first, ...turns] = contextOf('group', messages, maxTokens);
        const tokens = (sent: readonly Parameters<typeof turnTokens>[0][]): number =>
          sent.reduce((sum, turn) => sum + turnTokens(turn), 0);
        expect(first).toEqual(instruction);
        expect(turns.at(-1)).toEqual({ role: 'user', speaker: 'Bob', content: 'some words of a person' });
        expect(tokens(turns)).toBeLessThanOrEqual(Math.max(maxTokens - turnTokens(instruction), maxTokens / 2));
      }),
    );
    expect(turnTokens(instruction)).toBeLessThan(200);
  });
});
