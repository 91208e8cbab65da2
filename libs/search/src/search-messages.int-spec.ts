import { DeleteConversation, RemoveMember } from '@edgechat/conversations';
import { accountId, newConversationId, Slices, type ConversationId } from '@edgechat/kernel';
import fc from 'fast-check';
import { parseQuery } from './domain/query.js';
import { matchText } from './domain/snippet.js';
import { BLOCK } from './domain/terms.js';
import type { Hit } from './queries/search.js';
import { Talk } from './test-talk.js';
import { IndexMessages } from './use-cases/index-messages.js';

let talk: Talk;
beforeAll(async () => {
  talk = await Talk.begin();
});
afterAll(() => talk.end());

const seqs = (hits: readonly Hit[]): number[] => hits.map(({ message }) => message.seq);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const SECOND = 1_000;

describe('a search', () => {
  const texts = [
    'Der Fluß fließt über die Brücke',
    'Les élèves français à l’école',
    'Zażółć gęślą jaźń w Łodzi',
    'Ёлка и ещё один чай',
    "İstanbul'da ılık bir gün",
    'El niño comió jalapeños',
    'Můj kůň příliš žluťoučký',
    '我在北京大学学习中文',
    '東京タワーでｺｰﾋｰを飲みました',
    'ภาษาไทยง่ายนิดเดียว',
    '대한민국 만세를 외쳤다',
    'ﬁnal cafe\u0301 ＡＢＣ',
    'مُحَمَّد يقرأ كتاباً',
    'हिन्दी भाषा सुंदर है',
    '𠀀𠀁𠀂 rare',
  ];
  beforeAll(async () => void (await talk.conversation([1, 2], texts)));

  it.each([
    ['FLUSS', 0],
    ['uber bru', 0],
    ['brücke fließt', 0],
    ['eleves ecole', 1],
    ['Francais', 1],
    ['lodz', 2],
    ['gesla', 2],
    ['елка', 3],
    ['ещё', 3],
    ['istanbul', 4],
    ['ILIK', 4],
    ['jalapenos nino', 5],
    ['zlutoucky', 6],
    ['北京', 7],
    ['京大学', 7],
    ['大学学习中文', 7],
    ['习', 7],
    ['タワー', 8],
    ['コーヒーを', 8],
    ['飲み', 8],
    ['ไทยง่าย', 9],
    ['นิด', 9],
    ['민국', 10],
    ['만세', 10],
    ['쳤', 10],
    ['final', 11],
    ['abc cafe', 11],
    ['محمد', 12],
    ['كتابا', 12],
    ['हिन्दी', 13],
    ['𠀁𠀂', 14],
    ['𠀁', 14],
  ])('of %s finds what has it, in any language', async (q, found) => {
    expect(await talk.texts(q)).toEqual([texts[found]]);
  });

  it.each(['brück fließt', 'ruck', '京北', '大习', '北大', 'ไทย北京', '민만', 'final dcba', '国'])(
    'of %s finds nothing',
    async (q) => {
      expect(await talk.texts(q)).toEqual([]);
    },
  );

  it('shows the message with the words marked', async () => {
    const {
      hits: [hit],
    } = await talk.page('京大学 学');

    expect(hit?.message).toMatchObject({ seq: 8, role: 'user', authorId: 1, authorName: 'User 1', content: texts[7] });
    expect(hit?.snippet).toEqual([
      { text: '我在北', match: false },
      { text: '京大学', match: true },
      { text: '学', match: true },
      { text: '习中文', match: false },
    ]);
  });

  it('takes any text as text', async () => {
    const typed = [
      `'; drop table x; --`,
      `\\'`,
      'a:*b',
      'a <-> b | !c & (d',
      '字'.repeat(256),
      Array.from({ length: 256 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join(''),
      'ab '.repeat(85),
      'x'.repeat(256),
      '#',
      'a#b',
      '~',
      'a~',
      'ß'.repeat(256),
      'ﷺ'.repeat(256),
      '㍿'.repeat(256),
      '\u0e33'.repeat(256),
    ];
    for (const q of typed) if (parseQuery(q).kind === 'query') await talk.page(q);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 40 }), async (q) => {
        if (parseQuery(q).kind === 'query') await talk.page(q);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what is found', () => {
  it('has all that is looked for, and everything that has it is found: any words, any part', async () => {
    const said = fc.sample(
      fc
        .array(
          fc.constantFrom(
            'ab',
            'abc',
            'b',
            'Á',
            'c d',
            '北',
            '京',
            '大',
            '北京',
            '哈',
            '哈哈',
            '한국',
            ' ',
            ' ',
            '-',
            'ﬁ',
            'fi',
            'か',
            '\u3099',
          ),
          { minLength: 1, maxLength: 12 },
        )
        .map((parts) => parts.join('')),
      { numRuns: 300, seed: 8 },
    );
    await talk.conversation([3], said);
    const typed = fc
      .array(fc.constantFrom('a', 'ab', 'abc', 'b', 'fi', '北', '京大', '北京', '哈', '哈哈', '한', 'が', ' '), {
        minLength: 1,
        maxLength: 4,
      })
      .map((parts) => parts.join(''));

    await fc.assert(
      fc.asyncProperty(typed, async (q) => {
        const parsed = parseQuery(q);
        fc.pre(parsed.kind === 'query');
        if (parsed.kind !== 'query') return;
        const hits = await talk.all(q, { reader: accountId(3) });
        const slices = new Slices('test');
        const matches = await Promise.all(said.map((text) => matchText(text, parsed.query, 'either', slices)));
        expect(seqs(hits).sort((a, b) => a - b)).toEqual(upTo(said.length).filter((seq) => matches[seq - 1] !== null));
      }),
      { numRuns: 150 },
    );
  });

  it('is found by any part of the longest texts, however often a part stands in them', async () => {
    const distinct = Array.from({ length: 32_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7) % 20_000))).join(
      '',
    );
    await talk.conversation([4], [distinct, `${'哈'.repeat(31_998)}笑了`, `${'word '.repeat(6_399)}last`]);
    const find = (q: string): Promise<number[]> =>
      talk.page(q, { reader: accountId(4) }).then(({ hits }) => seqs(hits));

    expect(await find(distinct.slice(0, 256))).toEqual([1]);
    expect(await find(distinct.slice(9_000, 9_256))).toEqual([1]);
    // Of a message 256 KiB of terms are indexed.
    expect(await find(distinct.slice(-3))).toEqual([]);
    expect(await find('哈哈哈笑了')).toEqual([2]);
    expect(await find('笑哈了')).toEqual([]);
    expect(await find('word last')).toEqual([3]);
  });
});

describe('guarantee 7: the hits of a search', () => {
  it("are of the caller's conversations only; another one is not there", async () => {
    const foreign = await talk.conversation([6], ['secret plan']);
    const own = await talk.conversation([5, 6], ['no secret']);

    expect(await talk.texts('secret', { reader: accountId(5) })).toEqual(['no secret']);
    expect(await talk.texts('secret', { reader: accountId(5), conversationId: own })).toEqual(['no secret']);
    expect(await talk.texts('nothing', { reader: accountId(5), conversationId: own })).toEqual([]);
    for (const conversationId of [foreign, newConversationId()])
      await expect(talk.page('secret', { reader: accountId(5), conversationId })).rejects.toMatchObject({
        code: 'conversation_not_found',
      });
  });

  it('are gone from the moment that a removal or a deletion was answered', async () => {
    const [left, deleted] = [await talk.conversation([8, 7], ['gone one']), await talk.conversation([7], ['gone two'])];
    expect(await talk.texts('gone', { reader: accountId(7) })).toHaveLength(2);

    await talk.get(RemoveMember).remove(left, accountId(8), accountId(7));
    await talk.get(DeleteConversation).delete(deleted, accountId(7));

    expect(await talk.texts('gone', { reader: accountId(7) })).toEqual([]);
    await expect(talk.page('gone', { reader: accountId(7), conversationId: left })).rejects.toMatchObject({
      code: 'conversation_not_found',
    });
  });

  it('are left out when their text is not there any more', async () => {
    const id = await talk.conversation([9], ['kept word', 'lost word']);
    await talk.sql(`delete from edgechat.outbox where conversation_id = $1 and seq = 2`, [id]);

    expect(await talk.texts('word', { reader: accountId(9) })).toEqual(['kept word']);
  });
});

describe('the order of hits', () => {
  it('is the closer together the words, the higher; then the shorter; then the newer', async () => {
    const others = (n: number): string =>
      upTo(n)
        .map((i) => `other${i}`)
        .join(' ');
    const apart = (n: number): string => `red ${others(n)} car ${others(20)}`;
    await talk.conversation(
      [10],
      [apart(30), apart(1), 'the red car', apart(5), `${others(300)} red car`, apart(0), 'my red car', apart(100)],
    );

    const { hits } = await talk.page('red car', { reader: accountId(10) });

    expect(seqs(hits)).toEqual([7, 3, 6, 5, 2, 4, 1, 8]);
    const scores = hits.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
  });

  it('puts a message about a word before one that only has it', async () => {
    await talk.conversation(
      [11],
      [
        'Pizza dough: let the pizza dough rest, then bake the pizza.',
        `We talked about ${'many things and '.repeat(10)} pizza`,
        'pizza?',
      ],
    );

    expect(seqs((await talk.page('pizza', { reader: accountId(11) })).hits)).toEqual([1, 3, 2]);
  });

  it('is that of time where it is asked for', async () => {
    const [first, second] = [await talk.conversation([12], []), await talk.conversation([12], [])];
    const at = (s: number): Date => new Date(Date.UTC(2026, 0, 1) + s * SECOND);
    await talk.say(first, [
      { text: 'x y', at: at(1) },
      { text: 'x y', at: at(4) },
    ]);
    await talk.say(second, [
      { text: 'x - - y', at: at(2) },
      { text: 'x y', at: at(3) },
    ]);

    const hits = await talk.all('x y', { reader: accountId(12), sort: 'newest', limit: 1 });

    expect(hits.map(({ message }) => message.createdAt)).toEqual([at(4), at(3), at(2), at(1)]);
  });
});

describe('filters', () => {
  const at = (s: number): Date => new Date(Date.UTC(2026, 0, 1) + s * SECOND);
  let id: ConversationId;
  beforeAll(async () => {
    id = await talk.conversation(
      [13, 14],
      [1, 2, 3, 4, 5].map((n) => ({ text: `word ${n}`, author: n === 2 ? 0 : n % 2 ? 13 : 14, at: at(n) })),
    );
    await talk.conversation([13], [{ text: 'word elsewhere', author: 13, at: at(3) }]);
  });
  const found = (more: object): Promise<string[]> =>
    talk.texts('word', { reader: accountId(13), sort: 'newest', ...more });

  it.each([
    [{ authorId: accountId(14) }, ['word 4']],
    [{ authorId: accountId(49) }, []],
    [{ role: 'model' }, ['word 2']],
    [{ role: 'model', authorId: accountId(14) }, []],
    [{ from: at(4) }, ['word 5', 'word 4']],
    [{ to: at(2) }, ['word 1']],
    [{ from: at(2), to: at(3) }, ['word 2']],
    [{ from: at(3), to: at(2) }, []],
    [{ sort: 'relevance', role: 'user', from: at(5) }, ['word 5']],
  ])('%j narrow a search', async (more, texts) => {
    expect(await found(more)).toEqual(texts);
  });

  it('narrow it to one conversation', async () => {
    expect(await found({ conversationId: id })).toHaveLength(5);
    expect(await found({})).toHaveLength(6);
  });
});

describe('pages', () => {
  let people = 100;

  it('show each hit once while new messages come: the newest 1,000 by their score, then the older by time', async () => {
    const count = BLOCK + 500;
    const id = await talk.conversation(
      [15],
      upTo(count).map((n) => `${n % 3 === 0 ? '' : 'far '}alpha ${'x '.repeat(n % 7)}beta`),
    );
    const other = await talk.conversation([15], []);

    const hits = await talk.all('alpha beta', { reader: accountId(15), limit: 90 }, () =>
      talk.say(other, ['alpha beta']),
    );

    expect(seqs(hits.slice(0, 1_000)).sort((a, b) => a - b)).toEqual(upTo(1_000).map((n) => count - 1_000 + n));
    const scores = hits.slice(0, 1_000).map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(seqs(hits.slice(1_000))).toEqual(upTo(count - 1_000).reverse());
    expect(hits.every(({ message }) => message.conversationId === id)).toBe(true);
  }, 60_000);

  it.each([
    ['more of both than are ranked', 2_000, (n: number) => n % 3 !== 0],
    ['few whole words among the newest', 1_500, (n: number) => n % 100 === 0],
    ['whole words before the newest only', 1_200, (n: number) => n <= 150],
    ['as many whole words as a page has', 1_100, (n: number) => n > 400 && n <= 500],
  ])(
    'show what has the whole word first, over everything, each hit once: %s',
    async (_, count, isWhole) => {
      const reader = people + 1;
      people += 1;
      await talk.conversation(
        [reader],
        upTo(count).map((n) => `${'x '.repeat(n % 5)}${isWhole(n) ? 'omega' : 'omegas'}`),
      );

      const hits = await talk.all('omega', { reader: accountId(reader), limit: 100 });

      expect(seqs(hits).sort((a, b) => a - b)).toEqual(upTo(count));
      const whole = upTo(count).filter(isWhole);
      expect(seqs(hits.slice(0, whole.length)).sort((a, b) => a - b)).toEqual(whole);
    },
    60_000,
  );

  it('miss and repeat none though messages of before come late into the index', async () => {
    const id = await talk.conversation(
      [16],
      upTo(1_200).map((n) => `gamma ${'x '.repeat(n % 5)}`),
    );
    await talk.say(id, ['gamma late'], { indexed: false });
    await talk.say(id, ['gamma newest']);

    const hits = await talk.all(
      'gamma',
      { reader: accountId(16), limit: 100 },
      async () => void (await talk.get(IndexMessages).reindex(id, 1_201, 1_201)),
    );

    expect(new Set(seqs(hits)).size).toBe(hits.length);
    expect(seqs(hits)).toEqual(expect.arrayContaining(upTo(1_200)));
  }, 60_000);

  it('end without another where a page is just full', async () => {
    await talk.conversation(
      [17],
      upTo(20).map(() => 'delta'),
    );

    for (const sort of ['relevance', 'newest'] as const) {
      expect((await talk.page('delta', { reader: accountId(17), sort, limit: 20 })).next).toBeNull();
      expect((await talk.page('delta', { reader: accountId(17), sort, limit: 19 })).next).not.toBeNull();
    }
  });
});
