import { conversationId, SLICE_CHARACTERS, type ConversationId } from '@edgechat/kernel';
import { foldedChunks } from './fold.js';
import { parseQuery, type SearchQuery } from './query.js';
import { matchText } from './snippet.js';
import { tsvectorOf } from './terms.js';
import { slicesOf } from './test-slices.js';
import { WordReader } from './words.js';

const id = conversationId('019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5f') as ConversationId;
/** The most that one step reads; and what a snippet reads again of the text. */
const STEP = 1_024;
const SNIPPET = 320;

const ATTACKS: readonly (readonly [name: string, text: string])[] = [
  ['marks in the wrong order', `क${'\u0951'.repeat(15_990)}${'\u093c'.repeat(15_990)}`],
  ['marks and joiners by turns', `a${'\u0323\u200d\u0301\u200d'.repeat(8_000)}`],
  ['marks on nothing', '\u0301'.repeat(32_000)],
  ['signs that are six characters', '㌖'.repeat(32_000)],
  ['letters that are eighteen', '\ufdfa'.repeat(32_000)],
  ['half voiced marks', 'ﾞ\u0323'.repeat(16_000)],
  ['vowels without a syllable', '가\u1161'.repeat(16_000)],
  ['the same character', '字'.repeat(32_000)],
  ['one word', 'x'.repeat(32_000)],
  ['one-letter words', 'a '.repeat(16_000)],
  ['letters with a footnote each', 'a¹'.repeat(16_000)],
  ['digits with a footnote each', '1¹'.repeat(16_000)],
  ['joined digits', '¹'.repeat(32_000)],
  ['sigmas', 'Σ.'.repeat(16_000)],
  ['astral letters', '𝔁𝔂'.repeat(8_000)],
];
const QUERIES = [
  'a',
  'zzz',
  '字'.repeat(255),
  `${Array.from({ length: 8 }, () => '字'.repeat(30)).join(' ')} x`,
  'a b c d e f g h i j k l m n o p q r s t u v w x y z',
  `"${'a '.repeat(120)}"`,
  'x -zzz -字字字',
].map(queryOf);

function queryOf(typed: string): SearchQuery {
  const parsed = parseQuery(typed);
  if (parsed.kind !== 'query') throw new Error(`${typed}: ${parsed.kind}`);
  return parsed.query;
}

/** Words, characters of unspaced scripts, and what they say together. */
function unitsOf(text: string): { readonly units: number; readonly folded: number; readonly longestStep: number } {
  let units = 0;
  let folded = 0;
  let longestStep = 0;
  const reader = new WordReader({
    word: (_, parts) => void (units += 1 + parts.length),
    character: () => void (units += 1),
  });
  for (const chunk of foldedChunks(text)) {
    reader.read(chunk.folded);
    folded += chunk.folded.length;
    longestStep = Math.max(longestStep, chunk.end - chunk.start);
  }
  reader.end();
  return { units, folded, longestStep };
}

describe.each(ATTACKS)('of %s', (_, text) => {
  it('is read once, in small steps, and what it is folded to grows no faster than it does', () => {
    const { units, folded, longestStep } = unitsOf(text);
    const twice = unitsOf(text + text);

    expect(longestStep).toBeLessThanOrEqual(STEP);
    expect(folded).toBeLessThanOrEqual(20 * text.length);
    expect(twice.folded).toBeLessThanOrEqual(2 * folded + STEP);
    expect(units).toBeLessThanOrEqual(folded);
    expect(twice.units).toBeLessThanOrEqual(2 * units + 1);
  }, 60_000);

  it('the terms are made in slices that together read the text once at most', async () => {
    const { characters } = await slicesOf((slices) => tsvectorOf(id, 1, text.repeat(4), slices));

    expect(Math.max(...characters)).toBeLessThanOrEqual(SLICE_CHARACTERS + STEP);
    expect(characters.reduce((sum, taken) => sum + taken, 0)).toBeLessThanOrEqual(4 * text.length);
  }, 60_000);

  it('the same is so of what is found in it, whatever is looked for', async () => {
    for (const query of QUERIES) {
      const { result, characters } = await slicesOf((slices) => matchText(text.repeat(2), query, 'whole', slices));

      expect(Math.max(...characters)).toBeLessThanOrEqual(SLICE_CHARACTERS + STEP);
      expect(characters.reduce((sum, taken) => sum + taken, 0)).toBeLessThanOrEqual(2 * text.length + SNIPPET);
      expect(Array.from((result ?? []).map((piece) => piece.text).join('')).length).toBeLessThanOrEqual(160);
    }
  }, 60_000);
});

it('a text that does not match is read to its end, one that does no further than its snippet needs', async () => {
  const text = `needle ${'word '.repeat(20_000)}`;
  const read = async (typed: string): Promise<number> =>
    (await slicesOf((slices) => matchText(text, queryOf(typed), 'whole', slices))).characters.reduce(
      (a, b) => a + b,
      0,
    );

  expect(await read('missing')).toBe(text.length);
  expect(await read('needle')).toBeLessThan(6_000);
  expect(await read('needle -missing')).toBe(text.length + SNIPPET);
  expect(await read('word -needle')).toBeLessThanOrEqual(STEP);
});
