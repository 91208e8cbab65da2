import { codePoints } from '@edgechat/kernel';
import fc from 'fast-check';
import { foldText } from './fold.js';
import { findWords, parseQuery, tsQueriesOf, type SearchQuery } from './query.js';
import { snippetOf } from './snippet.js';

const query = (typed: string): SearchQuery => parseQuery(typed) ?? { words: [], prefix: null, parts: [] };
const found = (text: string, typed: string): boolean => findWords(foldText(text), query(typed)) !== null;
const matched = (text: string, typed: string): string[] =>
  (snippetOf(text, query(typed)) ?? []).filter(({ match }) => match).map((piece) => piece.text);

describe('a query', () => {
  it.each(['', ' ', '!!!', '"\'\\', '😀❤️', '\u0301', '\u200d', '&|<->:*()'])('of %j has no words', (typed) => {
    expect(parseQuery(typed)).toBeNull();
  });

  it('has whole words, then what a word begins with; and parts of unspaced text, wherever it stands', () => {
    expect(query('Über die Brü')).toEqual({ words: ['uber', 'die'], prefix: 'bru', parts: [] });
    expect(query('北京 Hotel')).toEqual({ words: [], prefix: 'hotel', parts: ['北京'] });
    expect(query('Hotel 北京')).toEqual({ words: ['hotel'], prefix: null, parts: ['北京'] });
  });

  it('is asked for by a few terms, of which none can be syntax', () => {
    expect(tsQueriesOf(query("o'neil & x:*"))).toEqual({
      probe: `'#neil' & '#x':* & '#o'`,
      whole: null,
      ranking: `'#neil' & '#x':* & '#o'`,
    });
    expect(tsQueriesOf(query('北京大学生'))).toMatchObject({
      whole: `('#北京' <2> '#大学' <1> '#学生' | '#~' & '#北京' & '#大学' & '#学生')`,
      ranking: `'#北京' & '#学生'`,
    });
    expect(tsQueriesOf(query('京'))).toEqual({ probe: `'#京':*`, whole: null, ranking: `'#京':*` });
    for (const long of [
      '字'.repeat(256),
      Array.from({ length: 256 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join(''),
      'a b c d e f g h i j k l m n o p q r s t u v w x y z',
    ]) {
      const { probe, whole, ranking } = tsQueriesOf(query(long));
      expect(Math.max(...[probe, ranking].map((text) => text.split('#').length - 1))).toBeLessThanOrEqual(8);
      expect((whole ?? '').split('#').length).toBeLessThan(64);
    }
  });
});

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
  ])('%j is found by %j', (text, typed) => {
    expect(found(text, typed)).toBe(true);
  });

  it.each([
    ['Fussball', 'ball'],
    ['foo foobar', 'fooba foo'],
    ['北京 大学', '京大'],
    ['大学北京', '北京大'],
    ['か', 'が'],
    ['한국', '한 국민'],
    ['hello', 'hello world'],
  ])('%j is not found by %j', (text, typed) => {
    expect(found(text, typed)).toBe(false);
  });
});

describe('a snippet', () => {
  it('marks exactly the words: whole ones, also for a beginning; of unspaced text the part', () => {
    expect(snippetOf('Foo, foobar and FÓO barn', query('foo bar'))).toEqual([
      { text: 'Foo', match: true },
      { text: ', foobar and ', match: false },
      { text: 'FÓO', match: true },
      { text: ' ', match: false },
      { text: 'barn', match: true },
    ]);
    expect(snippetOf('在北京大学', query('京大'))).toEqual([
      { text: '在北', match: false },
      { text: '京大', match: true },
      { text: '学', match: false },
    ]);
    expect(matched('北京大学', '北京 大学')).toEqual(['北京', '大学']);
    expect(matched('哈哈哈哈', '哈哈哈')).toEqual(['哈哈哈哈']);
    expect(matched('ﬁnal Straße İ, cafe\u0301s', 'strasse i cafe')).toEqual(['Straße', 'İ', 'cafe\u0301s']);
  });

  it('is around the first match, between words, at most 160 characters', () => {
    const text = `${'before '.repeat(100)}needle${' behind'.repeat(100)}`;
    const pieces = snippetOf(text, query('needle')) ?? [];

    expect(pieces.map((piece) => piece.match)).toEqual([false, true, false]);
    expect(pieces[0]?.text).toMatch(/^(before ){5}$/);
    expect(pieces[2]?.text).toMatch(/^( behind){15,17}$/);
  });

  it('shows more of what is before where nothing follows', () => {
    const pieces = snippetOf(`${'before '.repeat(100)}needle`, query('needle')) ?? [];

    expect(codePoints(pieces.map((piece) => piece.text).join(''))).toBeGreaterThan(140);
  });

  it('shows a word that is longer than itself from its beginning', () => {
    expect(snippetOf(`see ${'x'.repeat(500)} there`, query('xx'))).toEqual([{ text: 'x'.repeat(160), match: true }]);
  });

  it('is a part of the text, cuts no character, and marks what was looked for, whatever the text', () => {
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
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 120 }).map((words) => words.join('')),
        typed,
        (text, q) => {
          const pieces = snippetOf(text, query(q));
          expect(pieces !== null).toBe(found(text, q));
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
      { numRuns: 2_000 },
    );
  });
});
