import { accountId } from '@edgechat/kernel';
import fc from 'fast-check';
import { contextOf, fitContext, newerHalf, turnTokens } from './context-window.js';
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

/** As `fitContext`, where only the turns matter. */
const fitting = <Shown extends Parameters<typeof turnTokens>[0]>(turns: readonly Shown[], maxTokens: number): Shown[] =>
  fitContext(turns, maxTokens).turns;
const GAP = /\[… about \d+ characters of this text are left out here …\]/;

describe('fitContext', () => {
  it('sends nothing of nothing', () => {
    expect(fitContext([], 100)).toEqual({ turns: [], isInputCut: false });
  });

  it('sends all of a history that fits', () => {
    const turns = [
      { role: 'user', content: 'one' },
      { role: 'model', content: 'two' },
      { role: 'user', content: 'three' },
    ];
    expect(fitContext(turns, 100)).toEqual({ turns, isInputCut: false });
  });

  it('leaves out the oldest turns, of which nothing that says something would fit', () => {
    const turns = ['a', 'b', 'c'].map((letter) => ({ role: 'user', content: letter.repeat(30) }));
    expect(fitting(turns, 28)).toEqual(turns.slice(1));
    expect(fitting(turns, 27)).toEqual(turns.slice(2));
  });

  it('makes no gap: behind a turn that does not fit whole nothing older is sent', () => {
    const turns = [{ content: 'tiny' }, { content: 'x'.repeat(900) }, { content: 'newest' }];
    expect(fitting(turns, 40)).toEqual([{ content: 'newest' }]);
    expect(fitting(turns, 100)).toEqual([
      { content: expect.stringMatching(/^\[… .* …\]\nx+$/) },
      { content: 'newest' },
    ]);
  });

  it('counts the names of speakers, and cuts a text, not the name before it', () => {
    const turns = ['a', 'b'].map((letter) => ({ speaker: 'Ada', content: letter.repeat(30) }));
    const each = turnTokens({ speaker: 'Ada', content: 'a'.repeat(30) });
    expect(each).toBeGreaterThan(turnTokens({ content: 'a'.repeat(30) }));
    expect(fitting(turns, 2 * each)).toEqual(turns);
    expect(fitting(turns, 2 * each - 1)).toEqual(turns.slice(1));

    const long = { speaker: 'Ada', content: `beginning ${'x'.repeat(3_000)} the question?` };
    for (const maxTokens of [40, 400]) {
      const [cut] = fitting([long], maxTokens);
      expect(cut).toEqual({ speaker: 'Ada', content: expect.stringMatching(/x the question\?$/) });
      expect(turnTokens({ speaker: 'Ada', content: cut?.content ?? '' })).toBeLessThanOrEqual(maxTokens);
    }
    const [older] = fitting([long, { speaker: 'Bob', content: 'why?' }], 100);
    expect(older).toEqual({ speaker: 'Ada', content: expect.stringMatching(/…\]\nx+ the question\?$/) });
  });

  it('never exceeds the window, and is the longest run of newest turns within it, with at most two that are cut before them', () => {
    fc.assert(
      fc.property(history, window, (turns, maxTokens) => {
        const sent = fitting(turns, maxTokens);
        expect(cost(sent)).toBeLessThanOrEqual(maxTokens);

        const whole = sent.filter((shown) => turns.includes(shown)).length;
        expect(sent.length - whole).toBeLessThanOrEqual(2);
        const longer = turns.slice(turns.length - sent.length - 1);
        expect(sent.length === turns.length || cost(longer) > maxTokens).toBe(true);
      }),
    );
  });

  it('always sends the newest, says whether it is cut, keeps pairs whole, and of what is cut keeps an end', () => {
    fc.assert(
      fc.property(history, window, (turns, maxTokens) => {
        const { turns: sent, isInputCut } = fitContext(turns, maxTokens);
        const originals = turns.slice(turns.length - sent.length);
        expect(isInputCut).toBe(sent.at(-1) !== turns.at(-1));
        expect(isInputCut && sent.length > 1).toBe(false);
        for (const [i, { role, content }] of sent.entries()) {
          expect(role).toBe(originals[i]?.role);
          expect(content.isWellFormed()).toBe(true);
          const end = content.split(GAP).at(-1)?.slice(1) ?? '';
          expect(content === originals[i]?.content || originals[i]?.content.endsWith(end)).toBe(true);
        }
      }),
    );
  });

  it('is the same each time, and however much there is that is older', () => {
    fc.assert(
      fc.property(history, history, window, (older, turns, maxTokens) => {
        const sent = fitting(turns, maxTokens);
        fc.pre(sent.length + 2 <= turns.length);
        expect(fitting([...turns], maxTokens)).toEqual(sent);
        expect(fitting([...older, ...turns], maxTokens)).toEqual(sent);
      }),
    );
  });
});

describe('the newer half of what stands before a question', () => {
  const user = (tokens: number) => ({ role: 'user', content: 'x'.repeat(3 * (tokens - 4)) });
  const model = (tokens: number) => ({ role: 'model', content: 'y'.repeat(3 * (tokens - 4)) });

  it('has at most half of the tokens, whole turns, and begins with a person', () => {
    const turns = [user(10), model(10), user(10), model(10), user(10), model(10)];
    expect(newerHalf(turns)).toEqual(turns.slice(4));
    expect(newerHalf([user(100), model(10), user(10), model(10)])).toHaveLength(2);
    expect(newerHalf([user(10), user(10), user(10)])).toHaveLength(1);
  });

  it('is empty where the newest turn is more than half, or only an answer is left', () => {
    expect(newerHalf([user(10), user(100)])).toEqual([]);
    expect(newerHalf([user(100), model(10)])).toEqual([]);
    expect(newerHalf([user(10)])).toEqual([]);
    expect(newerHalf([])).toEqual([]);
  });

  it('is an end of the turns with at most half of their tokens', () => {
    fc.assert(
      fc.property(history, (turns) => {
        const half = newerHalf(turns);
        expect(half).toEqual(turns.slice(turns.length - half.length));
        expect(cost(half)).toBeLessThanOrEqual(cost(turns) / 2);
        expect(half[0]?.role ?? 'user').toBe('user');
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
    expect(contextOf('assistant', [says(1, '⟦one⟧'), answer(3, 1), says(2, 'two')], 1_000).turns).toEqual([
      { role: 'user', content: '⟦one⟧' },
      { role: 'model', content: 'answer to 1' },
      { role: 'user', content: 'two' },
    ]);
  });

  it.each(['group', 'direct'] as const)('of a %s is who said what, with one instruction before it', (kind) => {
    expect(contextOf(kind, [says(1, 'one'), says(2, 'two', 2), answer(3, 1)], 1_000).turns).toEqual([
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
        const {
          turns: [first, ...turns],
          isInputCut,
        } = contextOf('group', messages, maxTokens);
        expect(isInputCut).toBe(false);
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
