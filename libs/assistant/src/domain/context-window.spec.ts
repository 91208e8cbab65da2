import fc from 'fast-check';
import { fitContext, mostTurns } from './context-window.js';
import { countTokens } from './count-tokens.js';

interface Turn {
  readonly role: string;
  readonly content: string;
}

const turn = fc.record({ role: fc.constantFrom('user', 'model'), content: fc.string({ unit: 'binary', minLength: 1, maxLength: 120 }) });
const history = fc.array(turn, { minLength: 1, maxLength: 30 });
const window = fc.integer({ min: 8, max: 400 });

const cost = (turns: readonly Turn[]): number => turns.reduce((sum, { content }) => sum + 4 + countTokens(content), 0);

describe('fitContext', () => {
  it('sends nothing of nothing', () => {
    expect(fitContext([], 100)).toEqual([]);
  });

  it('sends all of a history that fits', () => {
    const turns = [{ role: 'user', content: 'one' }, { role: 'model', content: 'two' }, { role: 'user', content: 'three' }];
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
    const turns = [{ role: 'model', content: 'old' }, { role: 'user', content: `beginning ${'x'.repeat(32_000)} the question?` }];
    const [sent, ...others] = fitContext(turns, 100);
    expect(others).toEqual([]);
    expect(sent?.role).toBe('user');
    expect(sent?.content.endsWith('x the question?')).toBe(true);
    expect(countTokens(sent?.content ?? '')).toBe(96);
  });

  it('never exceeds the window, and is the longest run of newest turns within it', () => {
    fc.assert(fc.property(history, window, (turns, maxTokens) => {
      const sent = fitContext(turns, maxTokens);
      expect(cost(sent)).toBeLessThanOrEqual(maxTokens);
      expect(sent.length).toBeLessThanOrEqual(mostTurns(maxTokens));

      const longer = turns.slice(turns.length - sent.length - 1);
      expect(sent.length === turns.length || cost(longer) > maxTokens).toBe(true);
    }));
  });

  it('changes no turn but a newest one that is cut, and always sends that', () => {
    fc.assert(fc.property(history, window, (turns, maxTokens) => {
      const sent = fitContext(turns, maxTokens);
      expect(sent.slice(0, -1)).toEqual(turns.slice(turns.length - sent.length, -1));
      expect(turns.at(-1)?.content.endsWith(sent.at(-1)?.content ?? 'nothing')).toBe(true);
      expect(sent.at(-1)?.content.isWellFormed()).toBe(true);
    }));
  });
});
