import { conversationId, type ConversationId } from '@edgechat/kernel';
import { BLOCK, prefixOf, tsvectorOf } from './terms.js';
import { inSlices } from './test-slices.js';

const id = conversationId('019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5f') as ConversationId;
const vectorOf = (text: string): Promise<{ readonly words: string; readonly bytes: number }> =>
  inSlices((slices) => tsvectorOf(id, 1, text, slices));
/** Terms and places without their prefix, as PostgreSQL will read them. */
const terms = async (text: string): Promise<Map<string, number[]>> =>
  new Map(
    (await vectorOf(text)).words
      .split(' ')
      .filter((term) => term !== '')
      .map((term) => {
        const [, word = '', places = ''] = /^'2c3d4e5f0\.(.*)'(?::([0-9,]+))?$/u.exec(term) ?? [];
        return [word, places === '' ? [] : places.split(',').map(Number)];
      }),
  );
const numbered = (count: number, first: number): string[] =>
  Array.from({ length: count }, (_, i) => String.fromCodePoint(first + i));

describe('terms', () => {
  it('have the places of words, each counted once', async () => {
    expect([...(await terms('to be or not to be'))]).toEqual([
      ['to', [1, 5]],
      ['be', [2, 6]],
      ['or', [3]],
      ['not', [4]],
    ]);
  });

  it('of unspaced text are each two neighbours, and the last character', async () => {
    expect([...(await terms('北京大学 ok 好'))]).toEqual([
      ['北京', [1]],
      ['京大', [2]],
      ['大学', [3]],
      ['学', [4]],
      ['ok', [5]],
      ['好', [6]],
    ]);
  });

  it('of a word with something above or below the line are the whole and its parts, at one place', async () => {
    expect([...(await terms('see note¹ on H₂O, 5²'))]).toEqual([
      ['see', [1]],
      ['note1', [2]],
      ['note', [2]],
      ['1', [2]],
      ['on', [3]],
      ['h2o', [4]],
      ['h', [4]],
      ['2', [4, 6]],
      ['o', [4]],
      ['5', [5]],
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

  it('are of the first 16,000 words, and of a word its first 128 characters', async () => {
    expect([...(await terms('x'.repeat(1_000))).keys()]).toEqual(['x'.repeat(128)]);
    expect([...(await terms('𝔁'.repeat(1_000))).keys()]).toEqual(['x'.repeat(128)]);
    const many = await terms(
      Array.from({ length: 20_000 }, (_, i) => `w${i % 1_000} ${i < 8_000 ? 'a' : 'b'}`).join(' '),
    );
    expect([many.has('w999'), many.has('a'), many.has('b')]).toEqual([true, true, false]);
  });

  it('have at most 256 places each, and none beyond 16,383; where that cuts, they say so', async () => {
    const repeated = await terms('a '.repeat(1_000));

    expect(repeated.get('a')).toEqual(Array.from({ length: 256 }, (_, i) => i + 1));
    expect(repeated.has('~')).toBe(true);
    expect((await terms('哈'.repeat(300))).get('哈哈')).toHaveLength(256);
    expect([(await terms('哈'.repeat(300))).has('~'), (await terms('哈 a '.repeat(256))).has('~')]).toEqual([
      true,
      false,
    ]);
    const long = await terms(numbered(100, 0x4e00).join('').repeat(200));
    expect([long.has('~'), Math.max(...[...long.values()].flat())]).toEqual([true, 16_383]);
  });

  it('take as many bytes of an ordinary message as they took before there was a budget', async () => {
    const { words, bytes } = await vectorOf('Shall we meet at the station tomorrow, or at the old bridge?');

    expect(words.replaceAll('2c3d4e5f0.', '')).toBe(
      "'shall':1 'we':2 'meet':3 'at':4,9 'the':5,10 'station':6 'tomorrow':7 'or':8 'old':11 'bridge':12",
    );
    // Ten terms as PostgreSQL keeps them: a message like this one takes no more than it did.
    expect(bytes).toBe(230);
  });

  it.each([
    ['rare characters', numbered(40_000, 0x20000).join('').repeat(2)],
    ['words', Array.from({ length: 16_000 }, (_, i) => `word${i}`).join(' ')],
    ['long words', Array.from({ length: 2_000 }, (_, i) => `${i}`.padStart(128, '字x')).join(' ')],
    ['words that say more than one thing', 'a¹b²c³ '.repeat(14_000)],
    ['one word that never ends', 'a¹'.repeat(16_000)],
  ])('of %s stay within 256 KiB, as counted', async (_, text) => {
    const { words, bytes } = await vectorOf(text);
    const counted = words.split(' ').reduce((sum, term) => {
      const [, word = '', places = ''] = /^'(.*)'(?::([0-9,]+))?$/u.exec(term) ?? [];
      const size = Buffer.byteLength(word);
      return sum + 6 + size + (size % 2) + 2 * (places === '' ? 0 : places.split(',').length);
    }, 0);

    expect(counted).toBe(bytes);
    expect(bytes).toBeLessThanOrEqual(262_144);
  });

  it('keep what comes first', async () => {
    const kept = await terms(`first ${Array.from({ length: 16_000 }, (_, i) => `word${i}`).join(' ')} last`);

    expect([kept.has('first'), kept.has('word9999'), kept.has('word15999'), kept.has('last')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
