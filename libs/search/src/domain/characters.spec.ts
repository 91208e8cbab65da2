import fc from 'fast-check';
import {
  ANUSVARA,
  DROPPED,
  goesOn,
  HALF_NASAL,
  JAMO,
  LONG_ROW,
  RAISED,
  SIGN_OR_RAISED,
  wideJamo,
  WRITTEN,
} from './characters.js';
import { foldText, JOINT } from './fold.js';

const EVERY_CHARACTER = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).filter((character) =>
  /[\P{C}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(character),
);
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
const NO_SIGN = /^[\p{L}\p{M}\p{Nd}\p{Alphabetic}]/u;

/** Each step of folding, done whether or not it is needed. */
function foldByAllSteps(text: string): string {
  return text
    .replace(LONG_ROW, '$1')
    .replace(SIGN_OR_RAISED, (sign) => (RAISED.test(sign) ? JOINT + sign + JOINT : ` ${sign} `))
    .split(JAMO)
    .map((part, i) =>
      i % 2 === 1
        ? Array.from(part, (jamo) => String.fromCharCode(wideJamo(jamo.charCodeAt(0)))).join('')
        : Array.from(
            part.normalize('NFKD').replace(DROPPED, '').replace(HALF_NASAL, ANUSVARA).normalize('NFC').toLowerCase(),
            (character) => WRITTEN.get(character) ?? character,
          ).join(''),
    )
    .join('');
}

// Of all that Unicode assigns or ignores, by what the engine that runs this knows of them.
describe('of every character', () => {
  it('it is known whether it belongs to the one before it: as normalisation spells and composes it', () => {
    const composed = new Set(EVERY_CHARACTER.flatMap((character) => Array.from(character.normalize('NFD')).slice(1)));
    const belongs = (character: string): boolean => {
      const [first = ''] = character.normalize('NFKD');
      return /^[\p{M}\p{Default_Ignorable_Code_Point}\u0640\u1160-\u11ff]/u.test(first) || composed.has(first);
    };
    const wrong = EVERY_CHARACTER.filter((character) => {
      const isJamo = JAMO.test(character) && !/\p{Default_Ignorable_Code_Point}/u.test(character);
      return goesOn(character, 0) !== (!isJamo && belongs(character));
    });

    expect(wrong).toEqual([]);
  }, 120_000);

  it('that does not, normalisation changes nothing before it', () => {
    const before = ['a\u0323', '가', 'ᄀ', '\u{16d63}'];
    const wrong = EVERY_CHARACTER.filter(
      (character) =>
        !goesOn(character, 0) &&
        !JAMO.test(character) &&
        before.some(
          (text) => (text + character).normalize('NFKC') !== text.normalize('NFKC') + character.normalize('NFKC'),
        ),
    );

    expect(wrong).toEqual([]);
  }, 120_000);

  it('the spelling of a sign is parted from what is beside it, and of no letter', () => {
    const isSpelledSign = (character: string): boolean =>
      !NO_SIGN.test(character) &&
      character.normalize('NFKD') !== character &&
      LETTER_OR_DIGIT.test(character.normalize('NFKD')) &&
      !RAISED.test(character);
    const parted = EVERY_CHARACTER.filter((character) => /^a .* b$/u.test(foldText(`a${character}b`)));

    expect(EVERY_CHARACTER.filter(isSpelledSign).filter((sign) => !parted.includes(sign))).toEqual([]);
    expect(parted.filter((character) => NO_SIGN.test(character) && !character.normalize('NFKD').includes(' '))).toEqual(
      [],
    );
    expect(EVERY_CHARACTER.filter(isSpelledSign).length).toBeGreaterThan(900);
  }, 120_000);

  it('a digit is the ASCII digit of its value', () => {
    const digits = EVERY_CHARACTER.filter((character) => /^\p{Nd}$/u.test(character));
    // Unicode promises that the digits of a script follow each other, zero first.
    const wrong = digits.filter((digit, n) => foldText(digit) !== String(n % 10));

    expect(wrong).toEqual([]);
    expect(digits.length).toBeGreaterThan(600);
  }, 120_000);

  it('no step is left out that it needs', () => {
    expect(EVERY_CHARACTER.filter((character) => foldText(character) !== foldByAllSteps(character))).toEqual([]);
  }, 120_000);

  it('nothing is left to fold', () => {
    expect(EVERY_CHARACTER.filter((character) => foldText(foldText(character)) !== foldText(character))).toEqual([]);
  }, 120_000);
});

it('no step is left out that a text needs', () => {
  const hindi = fc.integer({ min: 0x900, max: 0x97f }).map((code) => String.fromCodePoint(code));
  const often = fc.constantFrom(
    'न',
    'ण',
    'म',
    '\u094d',
    '\u093c',
    '\u0301',
    '\u200d',
    'が',
    'ü',
    '\u{1d15e}',
    ' ',
    '\u0901',
  );
  const part = fc.oneof(
    hindi,
    often,
    fc.string({ unit: 'binary', maxLength: 2 }),
    fc.string({ unit: 'grapheme', maxLength: 2 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 50 }), fc.nat({ max: 40 }), (parts, count) => {
      const text = parts.join('') + 'न' + '\u094d'.repeat(count);
      expect(foldText(text)).toBe(foldByAllSteps(text));
    }),
    { numRuns: 3_000 },
  );
}, 120_000);
