import { foldText, indexTerms } from './words.js';

describe('words of a text', () => {
  it('folds case and accents, and keeps the signs that are no accents', () => {
    expect(foldText('Über École ΆΛΦΑ Ёлка ﬁn')).toBe('uber ecole αλφα елка fin');
    expect(foldText('ไทย')).toBe('ไทย');
    expect(foldText('한국')).toBe('한국');
  });

  it('parts words at signs, and has each once', () => {
    expect(indexTerms("don't stop, DON'T! a_b c3").sort()).toEqual(['a', 'b', 'c3', 'don', 'stop', 't'].sort());
  });

  it('makes unspaced text findable by any two neighbours and by each character', () => {
    expect(indexTerms('北京大学').sort()).toEqual(['北', '京', '大', '学', '北京', '京大', '大学'].sort());
  });

  it('stays below what PostgreSQL takes, whatever the text', () => {
    const rare = Array.from({ length: 100_000 }, (_, i) => String.fromCodePoint(0x20000 + ((i * 7_919) % 40_000))).join('');

    expect(Buffer.byteLength(indexTerms(rare).join(''))).toBeLessThanOrEqual(512 * 1024);
  });

  it('bounds the length of a word and the number of words', () => {
    expect(indexTerms('x'.repeat(1_000))).toEqual(['x'.repeat(128)]);
    expect(indexTerms(Array.from({ length: 20_000 }, (_, i) => `w${i}`).join(' '))).toHaveLength(16_000);
  });
});
