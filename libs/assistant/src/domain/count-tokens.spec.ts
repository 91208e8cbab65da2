import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { beginningWithin, countTokens, endWithin, TOKEN_MAX_BYTES } from './count-tokens.js';

const anyText = fc.string({ unit: 'binary', maxLength: 300 });
const withLoneSurrogates = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 })
  .map((units) => String.fromCharCode(...units));
const latin = fc.string({ unit: 'grapheme-ascii', maxLength: 300 });
const chinese = fc
  .array(fc.integer({ min: 0x4e00, max: 0x9fff }), { maxLength: 300 })
  .map((points) => String.fromCodePoint(...points));

describe('countTokens', () => {
  it('is 0 for nothing only', () => {
    expect(countTokens('')).toBe(0);
    fc.assert(
      fc.property(
        anyText.filter((text) => text !== ''),
        (text) => countTokens(text) >= 1,
      ),
    );
  });

  it('is at least one per 4 characters of Latin text', () => {
    fc.assert(fc.property(latin, (text) => countTokens(text) >= text.length / 4));
  });

  it('is at least one per Chinese character', () => {
    fc.assert(fc.property(chinese, (text) => countTokens(text) >= text.length));
  });

  it('never counts a text as less than a part of it, nor as more than its parts', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const whole = countTokens(a + b);
        expect(whole).toBeGreaterThanOrEqual(Math.max(countTokens(a), countTokens(b)));
        expect(whole).toBeLessThanOrEqual(countTokens(a) + countTokens(b));
      }),
    );
  });

  // What o200k_base counts for these; the estimate is to be above it, and by less than twice and a half.
  it.each([
    [
      'The quick brown fox jumps over the lazy dog. I would like to know how the weather will be tomorrow in London, and whether I should take an umbrella.',
      32,
    ],
    [
      'Könnten Sie mir bitte erklären, wie die Donaudampfschifffahrtsgesellschaft ihre Geschäftsführung organisiert hat und welche Veränderungen seitdem eingetreten sind?',
      34,
    ],
    [
      'Czy mógłbyś mi wyjaśnić, dlaczego zażółcić gęślą jaźń jest przykładem zdania zawierającego wszystkie polskie znaki diakrytyczne?',
      46,
    ],
    ['请您解释一下为什么北京春天的天气变化这么频繁,以及我明天早上应该穿什么衣服去上班?', 30],
    ['東京の春の天気がなぜこんなに頻繁に変わるのか、そして明日の朝は何を着ればいいのか説明していただけますか?', 40],
    ['서울의 봄 날씨가 왜 이렇게 자주 바뀌는지 그리고 내일 아침에 무엇을 입어야 하는지 설명해 주시겠어요?', 36],
  ])('is a careful estimate of %s', (text, measured) => {
    expect(countTokens(text)).toBeGreaterThanOrEqual(measured);
    expect(countTokens(text)).toBeLessThan(measured * 2.5);
  });

  it('takes the same time per character for unbroken text of any length', () => {
    const startedAt = performance.now();
    expect(countTokens('我'.repeat(1_000_000))).toBe(1_250_000);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

it('no text has more bytes for each token than the readers of histories count with', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, withLoneSurrogates), (text) => {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(countTokens(text) * TOKEN_MAX_BYTES);
    }),
  );
  expect(countTokens(' '.repeat(4_000)) * TOKEN_MAX_BYTES).toBe(4_000);
});

describe('endWithin', () => {
  it('is the longest end of the text within the limit', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, withLoneSurrogates), fc.nat(200), (text, maxTokens) => {
        const end = endWithin(text, maxTokens);
        expect(text.endsWith(end)).toBe(true);
        expect(countTokens(end)).toBeLessThanOrEqual(maxTokens);

        const left = Array.from(text.slice(0, text.length - end.length));
        const oneMore = (left.at(-1) ?? '') + end;
        expect(oneMore === end || countTokens(oneMore) > maxTokens).toBe(true);
      }),
    );
  });

  it('never splits a surrogate pair', () => {
    fc.assert(fc.property(anyText, fc.nat(200), (text, maxTokens) => endWithin(text, maxTokens).isWellFormed()));
    expect(endWithin('a😀', 2)).toBe('');
    expect(endWithin('a😀', 3)).toBe('😀');
    expect(endWithin('a😀', 4)).toBe('a😀');
  });
});

describe('beginningWithin', () => {
  it('is the longest beginning of the text within the limit', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, withLoneSurrogates), fc.nat(200), (text, maxTokens) => {
        const beginning = beginningWithin(text, maxTokens);
        expect(text.startsWith(beginning)).toBe(true);
        expect(countTokens(beginning)).toBeLessThanOrEqual(maxTokens);

        const [next = ''] = text.slice(beginning.length);
        const oneMore = beginning + next;
        expect(oneMore === beginning || countTokens(oneMore) > maxTokens).toBe(true);
      }),
    );
  });

  it('never splits a surrogate pair', () => {
    expect(beginningWithin('😀a', 2)).toBe('');
    expect(beginningWithin('😀a', 3)).toBe('😀');
    expect(beginningWithin('😀a', 4)).toBe('😀a');
    fc.assert(fc.property(anyText, fc.nat(200), (text, maxTokens) => beginningWithin(text, maxTokens).isWellFormed()));
  });
});
