import fc from 'fast-check';
import { foldText, JOINT } from './fold.js';
import { runsOf, WordReader } from './words.js';

const wordsOf = (text: string): string[] => [...runsOf(foldText(text))].map((run) => run.text);
describe('words', () => {
  it.each([
    ["don't stop, DON'T! a_b c3 x.y@z", ['don', 't', 'stop', 'don', 't', 'a', 'b', 'c3', 'x', 'y', 'z']],
    ['https://example.com/Über?q=1', ['https', 'example', 'com', 'uber', 'q', '1']],
    ['2024年 iPhone手机', ['2024', '年', 'iphone', '手机']],
    ['コーヒーを飲む、々', ['コーヒーを飲む', '々']],
    ['ภาษาไทย hello', ['ภาษาไทย', 'hello']],
    ['대한민국 만세', ['대한민국', '만세']],
    ['м’ята мʼята', ['м', 'ята', 'м', 'ята']],
    ['می\u200cخواهم', ['ميخواهم']],
    ['हिन्दी भाषा', ['हिंदी', 'भाषा']],
    ['❤️ 1️⃣ 👍🏽 🇩🇪 ?!', ['1']],
  ])('of %j are %j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it('are where they say', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const folded = foldText(text);
        for (const { start, end, text: word } of runsOf(folded))
          expect(folded.slice(start, end).replaceAll(JOINT, '')).toBe(word);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['note¹ below', [['note1', 'note', '1'], ['below']]],
    ['H₂O', [['h2o', 'h', '2', 'o']]],
    ['¹note', [['1note', '1', 'note']]],
    [
      'm² x¹²³y',
      [
        ['m2', 'm', '2'],
        ['x123y', 'x', '123', 'y'],
      ],
    ],
    ['1ª', [['1a', '1', 'a']]],
    ['5¹ 10²³ 5²a', [['5'], ['1'], ['10'], ['23'], ['5'], ['2a', '2', 'a']]],
    ['水₂', [['水'], ['2']]],
    ['¹²', [['12']]],
  ])('of %j, which has something above or below the line, are %j', (text, words) => {
    expect(runsOf(foldText(text)).map((run) => [run.text, ...run.parts])).toEqual(words);
  });

  it('are of the first 128 characters, of their parts too, and end where they end', () => {
    const [word] = runsOf(foldText('𐐀a¹'.repeat(1_000)));

    expect([word?.start, word?.end, Array.from(word?.text ?? '').length]).toEqual([0, 5_999, 128]);
    expect(word?.parts.join('')).toBe(word?.text);
  });

  it('are the same however the text is cut into chunks', () => {
    const folded = fc
      .array(fc.constantFrom('ab', 'c', '1', '字', '本', ' ', '-', JOINT, '𐐨', 'x'.repeat(100), 'ا', 'ไท', '𠀀'), {
        maxLength: 40,
      })
      .map((parts) => parts.join(''));
    const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 12 });
    fc.assert(
      fc.property(folded, cuts, (text, lengths) => {
        expect(readIn(text, lengths)).toEqual(readIn(text, []));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** What a reader says of a text in chunks of these lengths and a rest, none of them cutting a character. */
function readIn(text: string, lengths: readonly number[]): unknown[] {
  const seen: unknown[] = [];
  const reader = new WordReader({
    word: (word, parts, start, end) => void seen.push([word, parts, start, end]),
    character: (code, start, end, isApart) => void seen.push([code, start, end, isApart]),
  });
  const characters = Array.from(text);
  for (const length of lengths) reader.read(characters.splice(0, length).join(''));
  reader.read(characters.join(''));
  reader.end();
  return seen;
}
