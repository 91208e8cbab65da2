import fc from 'fast-check';
import { countOf, usageIn, usedTokens } from './reported-usage.js';

const counted = { tokensIn: 10, tokensOut: 5 };
const none = { tokensIn: null, tokensOut: null, total: null };

describe('what a provider reports', () => {
  it.each([
    [{ usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } }, 7, 3, 10],
    [{ usage: { prompt_tokens: '7', completion_tokens: ' 3 ', total_tokens: '10.0' } }, 7, 3, 10],
    [
      { usage: { input_tokens: 7, output_tokens: 3, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 } },
      127,
      3,
      null,
    ],
    [{ usage: { prompt_tokens: 127, completion_tokens: 3, cache_read_input_tokens: 100 } }, 127, 3, null],
    [
      { usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, thoughtsTokenCount: 40, totalTokenCount: 50 } },
      7,
      43,
      50,
    ],
    [{ usageMetadata: { promptTokenCount: 7, toolUsePromptTokenCount: 2, thoughtsTokenCount: 40 } }, 9, 40, null],
    [{ x_groq: { usage: { prompt_tokens: 7, completion_tokens: 3 } } }, 7, 3, null],
    [{ prompt_eval_count: 7, eval_count: 3 }, 7, 3, null],
    [{ usage: null }, null, null, null],
    [{ usage: { prompt_tokens: -1, completion_tokens: 1e12, total_tokens: 'many' } }, null, null, null],
    [{ usage: { prompt_tokens: 7.2, completion_tokens: NaN } }, 8, null, null],
    ['nothing', null, null, null],
  ])('is read from %j', (body, tokensIn, tokensOut, total) => {
    expect(usageIn(body)).toEqual({ tokensIn, tokensOut, total });
  });

  it('is a count only from 0 to what can be kept', () => {
    expect([0, '0', 2 ** 31 - 1, 2 ** 31, Infinity, -0.1, '1e3', '-1', '', null, [], {}].map(countOf)).toEqual([
      0,
      0,
      2 ** 31 - 1,
      ...Array.from({ length: 9 }, () => null),
    ]);
  });
});

describe('what a call is charged', () => {
  it.each([
    ['as reported', { tokensIn: 7, tokensOut: 3, total: 10 }, 7, 3],
    ['as counted where nothing is reported', none, 10, 5],
    ['as counted where it reports zeros', { tokensIn: 0, tokensOut: 0, total: 0 }, 10, 5],
    ['as counted where one is missing', { ...none, tokensIn: 7 }, 7, 5],
    ['the rest of the total', { ...none, tokensIn: 7, total: 20 }, 7, 13],
    ['the rest of the total', { ...none, tokensOut: 3, total: 20 }, 17, 3],
    ['the total, less what was counted of the prompt', { ...none, total: 50 }, 10, 40],
    ['the total in shares, where the prompt was counted as more', { ...none, total: 9 }, 6, 3],
    ['a total of one', { ...none, total: 1 }, 0, 1],
    ['thought that is only in the total', { tokensIn: 7, tokensOut: 3, total: 500 }, 7, 493],
    ['not a total that is less than both', { tokensIn: 7, tokensOut: 3, total: 2 }, 7, 3],
    ['as counted where the total is that of the prompt', { ...none, tokensIn: 7, total: 7 }, 7, 5],
  ])('is %s: %j', (_, reported, tokensIn, tokensOut) => {
    expect(usedTokens(reported, counted)).toEqual({ tokensIn, tokensOut });
  });

  it('is nothing for an answer that has nothing', () => {
    expect(usedTokens({ ...none, tokensIn: 7, tokensOut: 0 }, { tokensIn: 10, tokensOut: 0 })).toEqual({
      tokensIn: 7,
      tokensOut: 0,
    });
  });

  it('is always whole, never negative, and the total where only that is known', () => {
    const count = fc.option(fc.nat(2 ** 31 - 1));
    fc.assert(
      fc.property(count, count, count, fc.nat(100_000), fc.nat(100_000), (tokensIn, tokensOut, total, ...ours) => {
        const used = usedTokens({ tokensIn, tokensOut, total }, { tokensIn: ours[0], tokensOut: ours[1] });
        expect([used.tokensIn, used.tokensOut].every((tokens) => Number.isInteger(tokens) && tokens >= 0)).toBe(true);
        if (!tokensIn && !tokensOut && total) expect(used.tokensIn + used.tokensOut).toBe(total);
        if (ours[1] > 0) expect(used.tokensOut).toBeGreaterThan(0);
      }),
      { verbose: true },
    );
  });
});
