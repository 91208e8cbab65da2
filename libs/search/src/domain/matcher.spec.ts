import fc from 'fast-check';
import { foldText, type Span } from './fold.js';
import { Matcher } from './matcher.js';
import { parseQuery, wantedOf, type Pattern, type Phase } from './query.js';
import { WordReader } from './words.js';

/** A word, with what else it says, or an unspaced character of a text. */
interface Unit extends Span {
  readonly texts: readonly string[];
  readonly isUnspaced: boolean;
  readonly isApart: boolean;
}

function unitsOf(folded: string): Unit[] {
  const units: Unit[] = [];
  const reader = new WordReader({
    word: (text, parts, start, end) =>
      void units.push({ texts: [text, ...parts], isUnspaced: false, isApart: false, start, end }),
    character: (code, start, end, isApart) =>
      void units.push({ texts: [String.fromCodePoint(code)], isUnspaced: true, isApart, start, end }),
  });
  reader.read(folded);
  reader.end();
  return units;
}

type Step = { readonly text: string; readonly isUnspaced: boolean; readonly isJoined: boolean };
const stepsOfPattern = (pattern: Pattern): Step[] =>
  pattern.flatMap(({ text, isUnspaced }) =>
    (isUnspaced ? Array.from(text) : [text]).map((one, i) => ({ text: one, isUnspaced, isJoined: i > 0 })),
  );

/** Where a pattern is, tried at each unit. */
function placesOf(units: readonly Unit[], pattern: Pattern): Span[] {
  const steps = stepsOfPattern(pattern);
  return units.flatMap((first, at) => {
    const stretch = units.slice(at, at + steps.length);
    const isThere = steps.every((step, i) => {
      const unit = stretch[i];
      return (
        unit !== undefined &&
        unit.isUnspaced === step.isUnspaced &&
        unit.texts.includes(step.text) &&
        !(step.isJoined && unit.isApart)
      );
    });
    return isThere ? [{ start: first.start, end: stretch.at(-1)?.end ?? 0 }] : [];
  });
}

function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const last = merged.at(-1);
    if (last && last.end > span.start)
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    else merged.push(span);
  }
  return merged;
}

/** What must be found, without any cleverness: null when something is missing, or there that must not be. */
function expected(folded: string, typed: string, phase: Phase): Span[] | null {
  const units = unitsOf(folded);
  const wanted = wantedOf(queryOf(typed), phase);
  if (wanted.excluded.some((pattern) => placesOf(units, pattern).length > 0)) return null;
  const { beginning } = wanted;
  const begun = units.filter(
    (unit) => beginning !== null && !unit.isUnspaced && unit.texts.some((text) => text.startsWith(beginning)),
  );
  const found = wanted.required.map((pattern) => placesOf(units, pattern));
  if (beginning !== null) found.push(begun.map(({ start, end }) => ({ start, end })));
  return found.some((places) => places.length === 0) ? null : merge(found.flat());
}

function queryOf(typed: string) {
  const parsed = parseQuery(typed);
  if (parsed.kind !== 'query') throw new Error(parsed.kind);
  return parsed.query;
}

/** What the matcher finds in a text that comes in chunks of these lengths. */
function actual(folded: string, typed: string, phase: Phase, lengths: readonly number[]): Span[] | null {
  const matcher = new Matcher(wantedOf(queryOf(typed), phase));
  const reader = new WordReader(matcher);
  const characters = Array.from(folded);
  for (const length of lengths) reader.read(characters.splice(0, length).join(''));
  reader.read(characters.join(''));
  reader.end();
  return matcher.isFound ? matcher.spans : null;
}

const ATOMS = ['a', 'ab', 'b', '1', 'a¹', 'b₂', '字', '本', '字本', 'か', ' ', ' ', ' ', ', '];
const text = fc.array(fc.constantFrom(...ATOMS), { maxLength: 40 }).map((parts) => parts.join(''));
const words = fc
  .array(fc.constantFrom('a', 'ab', 'b', 'a1', 'a¹', '字', '本', '字本', '本字本', 'x'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(' '));
const typed = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: words },
      { weight: 2, arbitrary: words.map((some) => `"${some}"`) },
      { weight: 1, arbitrary: words.map((some) => `-${some.replaceAll(' ', '-')}`) },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.join(' '))
  .filter((some) => parseQuery(some).kind === 'query');

describe('looking for everything at once', () => {
  it('finds what one finds that tries each pattern at each place, however the text is cut', () => {
    fc.assert(
      fc.property(
        text,
        typed,
        fc.constantFrom<Phase>('whole', 'beginning'),
        fc.array(fc.nat({ max: 9 }), { maxLength: 8 }),
        (some, q, phase, lengths) => {
          const folded = foldText(some);
          expect(actual(folded, q, phase, lengths)).toEqual(expected(folded, q, phase));
        },
      ),
      { numRuns: 5_000 },
    );
  }, 60_000);

  it.each([31, 32, 33, 63, 64, 65, 100, 255])('finds phrases of %d words and more, and no shorter ones', (count) => {
    const phrase = Array.from({ length: count }, (_, i) => (i % 7 === 0 ? 'a' : 'b')).join(' ');
    const folded = `b ${phrase} b`;

    expect(actual(folded, `x "${phrase}"`, 'whole', [])).toBeNull();
    expect(actual(`${folded} x`, `x "${phrase}"`, 'whole', [])).toEqual(
      expected(`${folded} x`, `x "${phrase}"`, 'whole'),
    );
    expect(actual(phrase.slice(2), `"${phrase}"`, 'whole', [])).toBeNull();
    expect(actual(folded, `b -${phrase.replaceAll(' ', '-')}`, 'whole', [])).toBeNull();
  });
});
