import fc from 'fast-check';
import { fitContext, turnTokens } from './context-window.js';

interface Turn {
  readonly role: string;
  readonly content: string;
}

/** As `fitContext`, where only the turns matter. */
const fitting = <Shown extends Turn>(turns: readonly Shown[], maxTokens: number): Shown[] =>
  fitContext(turns, maxTokens).turns;
const cost = (turns: readonly Turn[]): number => turns.reduce((sum, turn) => sum + turnTokens(turn), 0);
const window = fc.integer({ min: 8, max: 400 });
const GAP = /\[… about \d+ characters of this text are left out here …\]/;
const CUT_END = /^\[… about \d+ characters of this text are left out here …\]\n/;

describe('a question that alone is too long', () => {
  const ask = (content: string, maxTokens: number) =>
    fitContext(
      [
        { role: 'model', content: 'old' },
        { role: 'user', content },
      ],
      maxTokens,
    );

  it('is sent with its beginning and its end, the larger part, and says what is left out between them', () => {
    const content = `把下面的文章翻译成英文。${'我'.repeat(32_000)}谢谢你!`;
    const { turns, isInputCut } = ask(content, 16_000);

    expect(isInputCut).toBe(true);
    expect(turns).toHaveLength(1);
    const [beginning = '', end = ''] = turns[0]?.content.split(GAP) ?? [];
    expect(beginning.startsWith('把下面的文章翻译成英文。我')).toBe(true);
    expect(end.endsWith('我谢谢你!')).toBe(true);
    expect(end.length).toBeGreaterThan(1.9 * beginning.length);
    expect(turnTokens({ content: turns[0]?.content ?? '' })).toBeGreaterThan(15_990);
    const said = Number(/about (\d+)/.exec(turns[0]?.content ?? '')?.[1]);
    expect(Math.abs(said - (content.length - beginning.length - end.length))).toBeLessThanOrEqual(60);
  });

  it('is its end alone where a sentence about the rest would take what there is', () => {
    const { turns, isInputCut } = ask(`beginning ${'x'.repeat(32_000)} the question?`, 40);
    expect(turns[0]?.content).toMatch(/^x+ the question\?$/);
    expect(isInputCut).toBe(true);
  });

  it('is whole, and not cut, up to the last token', () => {
    const content = 'x'.repeat(300);
    expect(ask(content, 104)).toMatchObject({ turns: [{ content }], isInputCut: false });
    expect(ask(content, 103).isInputCut).toBe(true);
  });

  it('is in the window whatever it is made of, with no half of a pair', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 200, maxLength: 2_000 }), window, (content, maxTokens) => {
        const { turns } = ask(content, maxTokens);
        expect(cost(turns)).toBeLessThanOrEqual(maxTokens);
        expect(turns.at(-1)?.content.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('the next question after a long message', () => {
  const long = { role: 'user', content: `instruction ${'x'.repeat(60_000)} and its end` };
  const next = { role: 'user', content: 'and in French?' };
  const answerOf = (characters: number) => ({ role: 'model', content: `${'y'.repeat(characters)} answered` });

  it('is sent with its answer whole, and the end of that message', () => {
    const answer = answerOf(3_000);
    const sent = fitting([{ role: 'user', content: 'old' }, long, answer, next], 4_096);
    expect(sent).toEqual([{ role: 'user', content: expect.stringMatching(/x and its end$/) }, answer, next]);
    expect(sent[0]?.content).toMatch(CUT_END);
    expect(cost(sent)).toBeGreaterThan(4_085);
  });

  it('is sent with the ends of both where both are too long, the larger part for the answer', () => {
    const sent = fitting([long, answerOf(60_000), next], 4_096);
    expect(sent).toHaveLength(3);
    expect(sent[0]?.content).toMatch(/…\]\nx+ and its end$/);
    expect(sent[1]?.content).toMatch(/…\]\ny+ answered$/);
    expect(sent[1]?.content.length).toBeGreaterThan((sent[0]?.content.length ?? 0) * 1.9);
    expect(cost(sent)).toBeLessThanOrEqual(4_096);
  });

  it('is sent with a short question whole, and of its long answer the end', () => {
    const asked = { role: 'user', content: 'tell me all' };
    const sent = fitting([{ role: 'user', content: 'older' }, asked, answerOf(60_000), next], 4_096);
    expect(sent.map(({ content }) => content.length > 11 && content.length < 20_000)).toEqual([false, true, true]);
    expect(sent[0]).toEqual(asked);
  });

  it.each([4_082, 4_070, 4_050, 4_035])(
    'is sent with its answer (%d tokens), though that leaves no room, shortened for it',
    (tokens) => {
      const answer = { role: 'model', content: 'y'.repeat(3 * (tokens - 9)) };
      const sent = fitting([long, answer, { role: 'user', content: 'why?' }], 4_096);
      expect(sent.map(({ role }) => role)).toEqual(['user', 'model', 'user']);
      expect(cost(sent)).toBeLessThanOrEqual(4_096);
      expect(sent[1]?.content.length).toBeGreaterThan(11_500);
    },
  );

  it('is sent alone only where the window has no room for a few words of both', () => {
    expect(fitting([long, answerOf(300), next], 60)).toEqual([next]);
    expect(fitting([long, answerOf(300), next], 110).map(({ role }) => role)).toEqual(['user', 'model', 'user']);
  });

  it('is not sent with an answer whose question is not there', () => {
    expect(fitting([answerOf(60_000), next], 400)).toEqual([next]);
    expect(fitting([{ role: 'model', content: 'a' }, answerOf(60_000), next], 400)).toEqual([next]);
  });

  it('knows who wrote the message that is cut', () => {
    const messages = [long, answerOf(30), next].map(({ role, content }, i) =>
      role === 'user' ? { role, content, speaker: i === 0 ? 'Ada' : 'Bob' } : { role, content },
    );
    const [cut, ...others] = fitting(messages, 1_000);
    expect(cut).toMatchObject({ speaker: 'Ada', content: expect.stringMatching(/x and its end$/) });
    expect(others).toEqual(messages.slice(1));
  });
});
