import { EVERYTHING, parseQuery, tsQueriesOf, type SearchQuery } from './query.js';

const query = (typed: string): SearchQuery => {
  const parsed = parseQuery(typed);
  if (parsed.kind !== 'query') throw new Error(`${typed}: ${parsed.kind}`);
  return parsed.query;
};
/** What is looked for, a pattern each; unspaced text with a star. */
const required = (typed: string): string[] => textsOf(query(typed).required);
const excluded = (typed: string): string[] => textsOf(query(typed).excluded);
const textsOf = (patterns: SearchQuery['required']): string[] =>
  patterns.map((pattern) => pattern.map(({ text, isUnspaced }) => (isUnspaced ? `${text}*` : text)).join(' '));

describe('a query', () => {
  it.each([
    '',
    ' ',
    '!!!',
    '"\'\\',
    '😀❤️',
    '\u200d',
    '&|<->:*()',
    '""',
    '"!" “”',
    '-foo',
    '-foo -bar-baz',
    '-',
    '\u0301',
  ])('of %j has no words to look for', (typed) => {
    expect(parseQuery(typed)).toEqual({ kind: 'without_words' });
  });

  it('has whole words, then what is a word or begins one; and parts of unspaced text, wherever it stands', () => {
    expect([required('Über die Brü'), query('Über die Brü').last]).toEqual([['uber', 'die'], 'bru']);
    expect([required('北京 Hotel'), query('北京 Hotel').last]).toEqual([['北京*'], 'hotel']);
    expect([required('Hotel 北京'), query('Hotel 北京').hasBeginning]).toEqual([['hotel', '北京*'], false]);
    expect([required('foo Foo'), query('foo Foo').hasBeginning]).toEqual([['foo'], false]);
    expect(EVERYTHING.hasBeginning).toBe(false);
  });

  it.each([
    ['"exact phrase"', ['exact phrase']],
    ['see "don\'t stop", ok', ['see', 'don t stop']],
    ['“exact phrase” „deutsche Art“ „polska rzecz”', ['exact phrase', 'deutsche art', 'polska rzecz']],
    ['"北京 hotel"', ['北京* hotel']],
    ['"one" "one"', ['one']],
    ['"open phrase', ['open']],
    ['12" and 14" records', ['12', 'and', '14']],
    ['«guillemets are signs» a', ['guillemets', 'are', 'signs']],
    ['“mixed quotes" a', ['mixed', 'quotes']],
  ])('of %j looks for %j in a row', (typed, patterns) => {
    expect(required(typed)).toEqual(patterns);
  });

  it.each([
    ['foo -bar', ['bar']],
    ['-bar foo', ['bar']],
    ['foo -bar-baz!qux x', ['bar baz qux']],
    ['foo -北京', ['北京*']],
    ['foo -Élan', ['elan']],
    ['foo - bar', []],
    ['foo -5', []],
    ['foo-bar', []],
    ['"foo -bar"', []],
    ['foo (-bar', []],
    ['foo\u3000-bar', ['bar']],
  ])('of %j leaves out %j', (typed, patterns) => {
    expect(excluded(typed)).toEqual(patterns);
  });

  it('has a beginning where the last word outside of quotes and of what is left out is of a script with spaces', () => {
    expect(['foo "bar"', 'foo -bar', '"foo" bar', 'foo 北', '"foo bar"', 'foo "北"'].map((q) => query(q).last)).toEqual(
      ['foo', 'foo', 'bar', null, null, 'foo'],
    );
  });

  it('has at most 8 stretches of unspaced scripts, those in phrases and those left out among them', () => {
    const kinds = (typed: string): string => parseQuery(typed).kind;

    expect(kinds('字 '.repeat(8))).toBe('query');
    expect(kinds('字 '.repeat(9))).toBe('too_complex');
    expect(kinds('字 본 ไท ひ" カ" -字 -ら 中 x 字')).toBe('too_complex');
    expect(kinds('字 본 ไท "ひ カ" -字 -ら x 字')).toBe('query');
    expect(kinds('a '.repeat(128))).toBe('query');
    expect(kinds('㌖'.repeat(256))).toBe('too_complex');
    expect(kinds(`"${'\ufdfa'.repeat(254)}"`)).toBe('too_complex');
  });
});

describe('PostgreSQL', () => {
  it('is asked for a few terms, of which none can be syntax', () => {
    expect(tsQueriesOf(query("o'neil & x:*"), 'beginning')).toEqual({
      probe: `'#neil' & '#x':* & '#o'`,
      whole: `!'#x'`,
      ranking: `'#neil' & '#x':* & '#o'`,
      first: null,
    });
    expect(tsQueriesOf(query("o'neil & x:*"), 'whole')).toEqual({
      probe: `'#neil' & '#o' & '#x'`,
      whole: null,
      ranking: `'#neil' & '#o' & '#x'`,
      first: null,
    });
    expect(tsQueriesOf(query('北京大学生'), 'whole')).toMatchObject({
      whole: `('#北京' <2> '#大学' <1> '#学生' | '#~' & '#北京' & '#大学' & '#学生')`,
      ranking: `'#北京' & '#学生'`,
      first: null,
    });
    expect(tsQueriesOf(query('京'), 'whole')).toEqual({
      probe: `'#京':*`,
      whole: null,
      ranking: `'#京':*`,
      first: null,
    });
  });

  it('is asked for the words of a phrase side by side, or where places are cut for all of them', () => {
    expect(tsQueriesOf(query('"to be or 北京大 x"'), 'whole').whole).toBe(
      `('#to' <1> '#be' <1> '#or' <1> '#北京' <1> '#京大' <2> '#x' | '#~' & '#to' & '#be' & '#or' & '#北京' & '#京大' & '#x')`,
    );
    expect(tsQueriesOf(query('"北 京"'), 'whole').whole).toBe(`('#北':* <1> '#京':* | '#~' & '#北':* & '#京':*)`);
  });

  it('is told what to leave out where the index is exact: words, and unspaced text of one or two characters', () => {
    expect(tsQueriesOf(query('foo -bar -北 -北京 -北京大 -a-b'), 'whole').whole).toBe(`!'#bar' & !'#北':* & !'#北京'`);
    expect(tsQueriesOf(query('foo -bar'), 'beginning')).toMatchObject({
      probe: `'#foo':*`,
      whole: `!'#bar' & !'#foo'`,
    });
  });

  it('is asked for at most 8 terms at once, and for a bounded number in all', () => {
    for (const long of [
      '字'.repeat(256),
      Array.from({ length: 256 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join(''),
      'a b c d e f g h i j k l m n o p q r s t u v w x y z',
      `"${'a b c d '.repeat(31)}"`,
    ]) {
      const { probe, whole, ranking } = tsQueriesOf(query(long), 'whole');
      expect(Math.max(...[probe, ranking].map((text) => text.split('#').length - 1))).toBeLessThanOrEqual(8);
      expect((whole ?? '').split('#').length).toBeLessThan(64);
    }
  });
});
