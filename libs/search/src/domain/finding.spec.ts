import { parseQuery, type Phase, type SearchQuery } from './query.js';
import { matchText } from './snippet.js';
import { inSlices } from './test-slices.js';

function queryOf(typed: string): SearchQuery {
  const parsed = parseQuery(typed);
  if (parsed.kind !== 'query') throw new Error(`${typed}: ${parsed.kind}`);
  return parsed.query;
}
const matches = async (text: string, typed: string, phase: Phase): Promise<boolean> =>
  (await inSlices((slices) => matchText(text, queryOf(typed), phase, slices))) !== null;
/** The phase that finds a text. */
async function phaseOf(text: string, typed: string): Promise<Phase | null> {
  if (await matches(text, typed, 'whole')) return 'whole';
  return queryOf(typed).hasBeginning && (await matches(text, typed, 'beginning')) ? 'beginning' : null;
}

describe('a text is found', () => {
  it.each([
    // Korean letters by themselves.
    ['ㅋㅋㅠㅠ', 'ㅋㅋ'],
    ['ㅋㅋㅠㅠ', 'ㅠㅠ'],
    ['ㅋㅋㅠㅠ', 'ㅋㅠ'],
    ['고마워ㄳ', '고마워'],
    ['고마워ㄳ', 'ㄳ'],
    ['ﾡﾤ', 'ㄱㄴ'],
    ['\u1112\u1161\u11ab국', '한국'],
    ['한국', '\u1112\u1161\u11ab'],
    // Signs part words.
    ['школа №5 на улице', 'школа 5 улице'],
    ['школа №5 на улице', '№5'],
    ['Nike™ shoes', 'nike shoes'],
    ['Nike™ shoes', 'Nike™'],
    ['5½ cups', '5 cups'],
    ['5½ cups', '½'],
    ['(㍿)北', '会社'],
    ['(㍿)北', '㍿'],
    ['call ℡5', 'tel 5'],
    ['⑴first', 'first'],
    ['Ⓐⓑⓒ', 'abc'],
    // Above and below the line.
    ['note¹ below', 'note below'],
    ['note¹ below', 'note1'],
    ['note¹ below', 'note¹'],
    ['note1 below', 'note¹'],
    ['note¹ below', '"note below"'],
    ['H₂O', 'h2o'],
    ['h2o', 'H₂O'],
    ['1ª vez', '1a vez'],
    ['25 m² flat', 'm2'],
    ['25 m² flat', 'm flat'],
    // Letters that keyboards write differently, digits of any script.
    ['کتاب', 'كتاب'],
    ['كتاب', 'کتاب'],
    ['علی', 'علي'],
    ['على', 'علي'],
    ['مدرسة', 'مدرسه'],
    ['سال ۱۴۰۲', '1402'],
    ['عام ٢٠٢٤', '2024'],
    ['वर्ष २०२४', '2024'],
    ['2024', '２０２४'],
    ['ปี๒๕๖๗', '2567'],
    ['हिन्दी', 'हिंदी'],
    ['हिंदी', 'हिन्दी'],
    ['पण्डित', 'पंडित'],
    ['सम्बन्ध', 'संबंध'],
    ['चाँद', 'चांद'],
    ['ज़रूर', 'जरूर'],
    ['क\u093cलम', '\u0958लम'],
    // Phrases.
    ['to be, or not to be', '"be or not"'],
    ['to be or not', '"To Be" not'],
    ['我在北京 大学', '"北京大学"'.replace('京', '京 ')],
    ['我在北京大学', '"北京 大学"'],
    ['iPhone手机', '"iphone 手"'],
    ['a a b', '"a b"'],
    ['say "hello', '"hello'],
    // Leaving out.
    ['red apple', 'apple -green'],
    ['green-ish apple', 'apple -greenish'],
    ['ice cold cream', 'cream -ice-cream'],
    ['apple and green', 'apple - green'],
    ['5 apples -3', 'apples -3'],
    ['北 京', '北 -北京'],
  ])('%j by %j', async (text, typed) => {
    expect(await phaseOf(text, typed)).not.toBeNull();
  });

  it.each([
    ['ㅋㅋㅠㅠ', 'ㅋㅋㅋ'],
    ['한국', 'ㅎ'],
    ['5½ cups', '51'],
    ['5½ cups', '51⁄2'],
    ['5¹', '51'],
    ['10⁵', '105'],
    ['Nike™ shoes', 'niketm'],
    ['note¹ below', 'note2'],
    ['to be or not', '"be not"'],
    ['not to be', '"be to"'],
    ['北 京', '"北京"'],
    ['foobar baz', '"foo baz"'],
    ['foo bazaar', '"foo baz"'],
    ['red apple', 'apple -red'],
    ['ice-cream, cold', 'cold -ice-cream'],
    ['ice, cream, cold', 'cold -ice-cream'],
    ['北京 hotel', 'hotel -北'],
    ['北京大学 hotel', 'hotel -京大学'],
    ['note¹ apple', 'apple -note'],
    ['note¹ apple', 'apple -note1'],
  ])('but not %j by %j', async (text, typed) => {
    expect(await phaseOf(text, typed)).toBeNull();
  });

  it.each([
    ['Ana came', 'ana', 'whole'],
    ['the analysis', 'ana', 'beginning'],
    ['Ana and her analysis', 'ana', 'whole'],
    ['room 12', '12', 'whole'],
    ['room 1234', '12', 'beginning'],
    ['note¹', 'note', 'whole'],
    ['notes¹', 'note', 'beginning'],
    ['the analysis of Ana', 'of ana', 'whole'],
  ])('%j by %j in the phase that looks for what it has', async (text, typed, phase) => {
    expect(await phaseOf(text, typed)).toBe(phase);
  });

  it('in the phase of whole words only where the whole word is', async () => {
    // (Whether it is there, too, where a word begins with it, is for the index to say: it may stand behind what is indexed.)
    expect(await matches('Ana and her analysis', 'ana', 'beginning')).toBe(true);
    expect(await matches('the analysis', 'ana', 'whole')).toBe(false);
    expect(await matches('北京', '京', 'whole')).toBe(true);
  });
});
