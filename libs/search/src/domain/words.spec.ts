import { conversationId, type ConversationId } from '@edgechat/kernel';
import fc from 'fast-check';
import { foldText } from './fold.js';
import { BLOCK, prefixOf, tsvectorOf } from './terms.js';
import { runsOf } from './words.js';

const id = conversationId('019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5f') as ConversationId;
const wordsOf = (text: string): string[] => [...runsOf(foldText(text))].map((run) => run.text);
/** Terms and places without their prefix, as PostgreSQL will read them. */
const terms = (text: string): Map<string, number[]> =>
  new Map(
    tsvectorOf(id, 1, text)
      .split(' ')
      .filter((term) => term !== '')
      .map((term) => {
        const [, word = '', places = ''] = /^'2c3d4e5f0\.(.*)'(?::([0-9,]+))?$/u.exec(term) ?? [];
        return [word, places === '' ? [] : places.split(',').map(Number)];
      }),
  );

describe('words', () => {
  it.each([
    ["don't stop, DON'T! a_b c3 x.y@z", ['don', 't', 'stop', 'don', 't', 'a', 'b', 'c3', 'x', 'y', 'z']],
    ['https://example.com/Über?q=1', ['https', 'example', 'com', 'uber', 'q', '1']],
    ['2024年 iPhone手机', ['2024', '年', 'iphone', '手机']],
    ['コーヒーを飲む、々', ['コーヒーを飲む', '々']],
    ['ภาษาไทย hello', ['ภาษาไทย', 'hello']],
    ['대한민국 만세', ['대한민국', '만세']],
    ['м’ята мʼята', ['м', 'ята', 'м', 'ята']],
    ['می\u200cخواهم', ['میخواهم']],
    ['हिन्दी भाषा', ['हिन्दी', 'भाषा']],
    ['❤️ 1️⃣ 👍🏽 🇩🇪 ?!', ['1']],
  ])('of %j are %j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it('are where they say', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const folded = foldText(text);
        for (const { start, end, text: word } of runsOf(folded)) expect(folded.slice(start, end)).toBe(word);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('terms', () => {
  it('have the places of words, each counted once', () => {
    expect([...terms('to be or not to be')]).toEqual([
      ['to', [1, 5]],
      ['be', [2, 6]],
      ['or', [3]],
      ['not', [4]],
    ]);
  });

  it('of unspaced text are each two neighbours, and the last character', () => {
    expect([...terms('北京大学 ok 好')]).toEqual([
      ['北京', [1]],
      ['京大', [2]],
      ['大学', [3]],
      ['学', [4]],
      ['ok', [5]],
      ['好', [6]],
    ]);
  });

  it('of a conversation begin with its id and block', () => {
    expect([1, BLOCK, BLOCK + 1, 16 * BLOCK + 1].map((seq) => prefixOf(id, seq))).toEqual([
      '2c3d4e5f0.',
      '2c3d4e5f0.',
      '2c3d4e5f1.',
      '2c3d4e5f10.',
    ]);
  });

  it('are of the first 16,000 words, and of a word its first 128 characters', () => {
    expect([...terms('x'.repeat(1_000)).keys()]).toEqual(['x'.repeat(128)]);
    expect([...terms('𝔁'.repeat(1_000)).keys()]).toEqual(['x'.repeat(128)]);
    expect([...terms(Array.from({ length: 20_000 }, (_, i) => `w${i}`).join(' ')).keys()].at(-1)).toBe('w15999');
  });

  it('have at most 256 places each, and none beyond 16,383; where that cuts unspaced text, they say so', () => {
    const repeated = terms('a '.repeat(1_000) + '哈'.repeat(300));

    expect(repeated.get('a')).toEqual(Array.from({ length: 256 }, (_, i) => i + 1));
    expect(repeated.get('哈哈')).toHaveLength(256);
    expect([repeated.has('~'), terms('a '.repeat(1_000) + '哈'.repeat(200)).has('~')]).toEqual([true, false]);
    const long = terms(Array.from({ length: 20_000 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join(''));
    expect([long.has('~'), Math.max(...[...long.values()].flat()), long.size]).toEqual([true, 16_383, 20_001]);
  });

  it('stay below what PostgreSQL takes, whatever the text', () => {
    const rare = Array.from({ length: 100_000 }, (_, i) => String.fromCodePoint(0x20000 + ((i * 7_919) % 40_000))).join(
      '',
    );
    const vector = terms(rare);

    expect(
      [...vector].reduce((sum, [term, places]) => sum + 10 + Buffer.byteLength(term) + 2 * places.length, 0),
    ).toBeLessThan(1024 * 1024);
    expect(vector.size).toBeGreaterThan(32_000);
  });
});
