import { codePoints } from '@edgechat/kernel';
import fc from 'fast-check';
import { parseQuery, EVERYTHING, type SearchQuery } from './query.js';
import { matchText, type SnippetPiece } from './snippet.js';
import { foldText } from './fold.js';
import { inSlices } from './test-slices.js';

const query = (typed: string): SearchQuery => {
  const parsed = parseQuery(typed);
  return parsed.kind === 'query' ? parsed.query : EVERYTHING;
};
/** In the first phase that finds the text. */
const snippetOf = async (text: string, typed: string): Promise<readonly SnippetPiece[] | null> => {
  const asked = query(typed);
  const whole = await inSlices((slices) => matchText(text, asked, 'whole', slices));
  return whole ?? (asked.hasBeginning ? inSlices((slices) => matchText(text, asked, 'beginning', slices)) : null);
};
const found = async (text: string, typed: string): Promise<boolean> => (await snippetOf(text, typed)) !== null;
const matched = async (text: string, typed: string): Promise<string[]> =>
  ((await snippetOf(text, typed)) ?? []).filter(({ match }) => match).map((piece) => piece.text);

describe('a text', () => {
  it.each([
    ['Der Fluß über die Brücke', 'FLUSS bruck'],
    ['Les élèves français', 'eleves FRANCAIS'],
    ['Zażółć gęślą jaźń w Łodzi', 'lodzi'],
    ['Ёлка и ещё чай', 'елка еще чаи'],
    ["İstanbul'da ılık", 'istanbul ilik'],
    ['我在北京大学学习', '京大学'],
    ['我在北京大学学习', '学'],
    ['東京でｺｰﾋｰを飲む', 'コーヒー'],
    ['ภาษาไทยง่าย', 'ไทย'],
    ['대한민국만세', '민국'],
    ["don't stop", "don't"],
    ['a-b, c', 'c b a'],
  ])('%j is found by %j', async (text, typed) => {
    expect(await found(text, typed)).toBe(true);
  });

  it.each([
    ['Fussball', 'ball'],
    ['foo foobar', 'fooba foo'],
    ['北京 大学', '京大'],
    ['大学北京', '北京大'],
    ['か', 'が'],
    ['한국', '한 국민'],
    ['hello', 'hello world'],
  ])('%j is not found by %j', async (text, typed) => {
    expect(await found(text, typed)).toBe(false);
  });
});

describe('a snippet', () => {
  it('marks exactly the words: whole ones, also for a beginning; of unspaced text the part', async () => {
    expect(await snippetOf('Foo, foobar and FÓO barn', 'foo bar')).toEqual([
      { text: 'Foo', match: true },
      { text: ', foobar and ', match: false },
      { text: 'FÓO', match: true },
      { text: ' ', match: false },
      { text: 'barn', match: true },
    ]);
    expect(await snippetOf('在北京大学', '京大')).toEqual([
      { text: '在北', match: false },
      { text: '京大', match: true },
      { text: '学', match: false },
    ]);
    expect(await matched('北京大学', '北京 大学')).toEqual(['北京', '大学']);
    expect(await matched('哈哈哈哈', '哈哈哈')).toEqual(['哈哈哈哈']);
    expect(await matched('ﬁnal Straße İ, cafe\u0301s', 'strasse i cafe')).toEqual(['Straße', 'İ', 'cafe\u0301s']);
  });

  it('is around the first match, between words, at most 160 characters', async () => {
    const text = `${'before '.repeat(100)}needle${' behind'.repeat(100)}`;
    const pieces = (await snippetOf(text, 'needle')) ?? [];

    expect(pieces.map((piece) => piece.match)).toEqual([false, true, false]);
    expect(pieces[0]?.text).toMatch(/^(before ){5}$/);
    expect(pieces[2]?.text).toMatch(/^( behind){15,17}$/);
  });

  it('shows more of what is before where nothing follows', async () => {
    const pieces = (await snippetOf(`${'before '.repeat(100)}needle`, 'needle')) ?? [];

    expect(codePoints(pieces.map((piece) => piece.text).join(''))).toBeGreaterThan(140);
  });

  it('shows a word that is longer than itself from its beginning', async () => {
    expect(await snippetOf(`see ${'x'.repeat(500)} there`, 'xx')).toEqual([{ text: 'x'.repeat(160), match: true }]);
  });

  it('is a part of the text, cuts no character, and marks what was looked for, whatever the text', async () => {
    const word = fc.constantFrom(
      'foo',
      'Foobar',
      'ﬁn',
      'Straße',
      'café',
      'cafe\u0301',
      '北京',
      '京大学',
      'ｶﾞｽ',
      '😀',
      'น้ำ',
      '한국',
      'İ',
      'x'.repeat(200),
      '𝔁𝔂',
      '𠀀𠀁',
      ', ',
      ' ',
      '\n\n',
      '哈哈哈',
      '\u00ad',
    );
    const typed = fc.constantFrom(
      'foo',
      'fo',
      'fin',
      'strasse',
      'cafe',
      '北京',
      '京',
      'ガ',
      '国',
      'น้',
      'i',
      'xx',
      '𠀀',
      '哈哈',
      'foo 北',
      'x y',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { maxLength: 80 }).map((words) => words.join('')),
        typed,
        async (text, q) => {
          const pieces = await snippetOf(text, q);
          if (!pieces) return;
          const whole = pieces.map((piece) => piece.text).join('');
          expect(text).toContain(whole);
          expect(whole.isWellFormed()).toBe(true);
          expect(codePoints(whole)).toBeLessThanOrEqual(160);
          expect(pieces.some(({ match }) => match)).toBe(true);
          for (const piece of pieces)
            if (piece.match && codePoints(piece.text) < 160)
              expect(q.split(' ').some((one) => foldText(piece.text).includes(foldText(one)))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  }, 60_000);

  it('marks the same, wherever it stands', async () => {
    const before = fc.constantFrom(
      'y ',
      '字。',
      'क\u0951',
      '\u0301',
      '\u200d',
      '½',
      '\ufdfa',
      'ﾞ\u0323',
      '😀',
      'ß ',
      '\ud83d',
    );
    await fc.assert(
      fc.asyncProperty(
        before,
        fc.nat({ max: 2_500 }),
        fc.constantFrom('Straße', 'ｶﾞｽ', '½', 'a\u0301bc', '北京', '𝔁'),
        async (filler, count, word) => {
          const text = `${filler.repeat(count)} ;${word}; `;
          expect((await matched(text, word)).at(-1)).toBe(word);
        },
      ),
      { numRuns: 200 },
    );
  }, 60_000);

  it('of a query that matches everything is the beginning', async () => {
    const beginning = (text: string): Promise<readonly SnippetPiece[] | null> =>
      inSlices((slices) => matchText(text, EVERYTHING, 'whole', slices));

    expect(await beginning('short')).toEqual([{ text: 'short', match: false }]);
    expect(await beginning('word '.repeat(100))).toEqual([{ text: `${'word '.repeat(31)}word`, match: false }]);
    expect(await beginning('😀'.repeat(200))).toEqual([{ text: '😀'.repeat(160), match: false }]);
    expect(await beginning('')).toEqual([]);
  });
});
