import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { CreateConversation, SendMessage } from '@edgechat/conversations';
import { accountId, newReplyId, SLICE_CHARACTERS, SLICES, type ConversationId, type Slice } from '@edgechat/kernel';
import { storeCallsOf } from '@edgechat/testing';
import { EXAMINED_MAX } from './queries/list-newest.js';
import { Talk } from './test-talk.js';
import { IndexMessages } from './use-cases/index-messages.js';

/** Texts of 32,000 characters that are as hard as they can be: to normalise, to cut into words, to keep, to match. */
const HARD: Readonly<Record<string, string>> = {
  'a run of marks in the wrong order': `क${'\u0951'.repeat(15_990)}${'\u093c'.repeat(15_990)}`,
  'marks between joiners': `a${'\u0301\u200d\u0316'.repeat(10_660)}`,
  'halfwidth voiced marks': '\uff9e\u0323'.repeat(16_000),
  'signs that are spelled with six characters': '㌖'.repeat(32_000),
  'a ligature of eighteen characters': '\ufdfa'.repeat(32_000),
  'one ideograph': '字'.repeat(32_000),
  'ideographs, all different': Array.from({ length: 32_000 }, (_, i) =>
    String.fromCodePoint(0x4e00 + ((i * 7) % 20_000)),
  ).join(''),
  'one word': 'x'.repeat(32_000),
  'words of one letter': 'a '.repeat(16_000),
  'words that are all different': Array.from({ length: 6_400 }, (_, i) => i.toString(36).padStart(4, 'q')).join(' '),
  'letters with superscripts': 'a¹'.repeat(16_000),
};
/** A step between two looks at the clock takes about a thousand characters. */
const STEP = 2_048;

let talk: Talk;
const seen: Slice[] = [];
const note = (slice: unknown): void => void seen.push(slice as Slice);
beforeAll(async () => {
  talk = await Talk.begin({ SEARCHES_AT_ONCE_PER_ACCOUNT: '2', READS_MB: '64' });
  subscribe(SLICES, note);
}, 30_000);
afterAll(async () => {
  unsubscribe(SLICES, note);
  await talk.end();
});

const longest = (work: string): number =>
  Math.max(0, ...seen.filter((slice) => slice.work === work).map(({ characters }) => characters));
const charactersOf = (work: string): number =>
  seen.filter((slice) => slice.work === work).reduce((sum, { characters }) => sum + characters, 0);
const outbox = (): Promise<object[]> =>
  talk.sql(`select conversation_id, seq, attempts from edgechat.outbox where kind = 'search'`);

async function aGroupOf(account: number, texts: readonly string[]): Promise<ConversationId> {
  const { id } = await talk.get(CreateConversation).create({
    creator: accountId(account),
    kind: 'group',
    title: null,
    assistant: 'off',
    memberIds: [],
    clientKey: null,
  });
  for (const content of texts)
    await talk.get(SendMessage).send({
      by: 'person',
      conversationId: id,
      authorId: accountId(account),
      clientKey: null,
      content,
      replyId: newReplyId(),
      answerWithinMs: 1_000,
    });
  return id;
}
const index = (): Promise<void> => talk.get(IndexMessages).run(null, new AbortController().signal);

describe('one account that sends what is hard to index', () => {
  it('has it indexed in slices, each entry in its first attempt, and a neighbour is found at once', async () => {
    await aGroupOf(20, [
      ...Object.values(HARD),
      ...Array.from({ length: 20 }, () => HARD['a run of marks in the wrong order'] ?? ''),
    ]);
    await aGroupOf(21, ['an honest word']);
    const calls = await storeCallsOf(index);

    expect(await outbox()).toEqual([]);
    expect(calls.filter((call) => call.includes('put_off'))).toEqual([]);
    expect(await talk.texts('honest', { reader: accountId(21) })).toEqual(['an honest word']);
    expect(longest('index')).toBeLessThanOrEqual(SLICE_CHARACTERS + STEP);
    // Each text is gone through once: what takes more is no longer linear.
    const given = [...Object.values(HARD), 'an honest word'].reduce((sum, text) => sum + text.length, 20 * 31_981);
    expect(charactersOf('index')).toBeLessThanOrEqual(given + 1_000);
  }, 60_000);

  it('takes at most 256 KiB of terms for a message, whatever it is', async () => {
    const sizes = await talk.sql<{ bytes: number }>(
      'select max(pg_column_size(words)) as bytes from edgechat.search_words',
    );
    expect(Number(sizes[0]?.bytes)).toBeLessThanOrEqual(262_144 + 16);
  });
});

describe('one account that searches what is hard to match', () => {
  it.each(['क', '字字', '字'.repeat(200), 'a', '"a a a a a a a a"', 'x', '字 -北京', 'キロメートル', 'a1', 'qqq'])(
    'for %s has its texts gone through once and in slices, wherever the match stands',
    async (q) => {
      seen.length = 0;
      const { hits } = await talk.page(q, { reader: accountId(20) });
      expect(hits.length).toBeGreaterThanOrEqual(0);
      expect(longest('search')).toBeLessThanOrEqual(SLICE_CHARACTERS + STEP);
      expect(charactersOf('search')).toBeLessThanOrEqual(2_000_000 + 200_000);
    },
    30_000,
  );

  it('gets pages that end after 2 million bytes of text, each hit once', async () => {
    const count = 40;
    await talk.conversation(
      [22],
      Array.from({ length: count }, (_, n) => `${'字'.repeat(31_990)} needle ${n}`),
    );
    const pages: number[] = [];
    const found: string[] = [];
    let after: Awaited<ReturnType<Talk['page']>>['next'] = null;
    do {
      const page: Awaited<ReturnType<Talk['page']>> = await talk.page('needle', { reader: accountId(22), after });
      pages.push(page.hits.length);
      found.push(...page.hits.map(({ message }) => String(message.seq)));
      after = page.next;
    } while (after !== null);

    expect(Math.max(...pages)).toBeLessThanOrEqual(2_000_000 / 96_000 + 1);
    expect(new Set(found).size).toBe(count);
    expect(found).toHaveLength(count);
  }, 60_000);

  it('has two at once; who comes beyond the queue is refused, and others are not', async () => {
    const hard = (): Promise<unknown> => talk.page('字'.repeat(100), { reader: accountId(20) });
    const all = Array.from({ length: 30 }, hard);
    const stranger = await talk.texts('honest', { reader: accountId(21) });
    const outcomes = await Promise.allSettled(all);

    expect(stranger).toEqual(['an honest word']);
    const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refused.length).toBeGreaterThanOrEqual(8);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'too_many_searches' });
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(2);
  }, 60_000);
});

describe('a search without words', () => {
  const at = (n: number): Date => new Date(Date.UTC(2026, 0, 1) + n * 1_000);
  let id: ConversationId;
  beforeAll(async () => {
    id = await talk.conversation(
      [30, 31],
      Array.from({ length: 12 }, (_, n) => ({ text: `note ${n + 1}`, author: n % 3 === 0 ? 31 : 30, at: at(n) })),
    );
    await talk.conversation([31], [{ text: 'not shared', author: 31, at: at(50) }]);
    await talk.conversation([30, 31], [{ text: 'elsewhere', author: 31, at: at(5) }]);
  });
  const texts = (more: object): Promise<string[]> =>
    talk
      .all(null, { reader: accountId(30), limit: 2, ...more })
      .then((hits) => hits.map(({ message }) => message.content));

  it('gives the newest of an author first, of all shared conversations, page by page', async () => {
    expect(await texts({ authorId: accountId(31) })).toEqual(['note 10', 'note 7', 'elsewhere', 'note 4', 'note 1']);
  });

  it('gives the newest of a conversation first, and narrows by all filters', async () => {
    expect(await texts({ conversationId: id })).toEqual(Array.from({ length: 12 }, (_, n) => `note ${12 - n}`));
    expect(await texts({ conversationId: id, authorId: accountId(31) })).toEqual([
      'note 10',
      'note 7',
      'note 4',
      'note 1',
    ]);
    expect(await texts({ conversationId: id, from: at(3), to: at(6) })).toEqual(['note 6', 'note 5', 'note 4']);
    expect(await texts({ conversationId: id, role: 'model' })).toEqual([]);
    expect(await texts({ authorId: accountId(31), from: at(5), to: at(9) })).toEqual(['note 7', 'elsewhere']);
  });

  it('shows the beginning of each text, with nothing marked', async () => {
    const long = await talk.conversation([32], [`${'word '.repeat(100)}end`]);
    const [hit] = (await talk.page(null, { reader: accountId(32), conversationId: long })).hits;
    expect(hit?.snippet.map(({ match }) => match)).toEqual([false]);
    expect(hit?.snippet[0]?.text.startsWith('word word')).toBe(true);
    expect(hit?.snippet[0]?.text.length).toBeLessThanOrEqual(160);
  });

  it('looks at a bounded part of the ledger for a page, and goes on behind it', async () => {
    const rare = await talk.conversation([33, 34], []);
    await talk.sql(
      `insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at)
       select $1::uuid, n, gen_random_uuid(), 33, '', '2026-01-01'::timestamptz + n * interval '1 second' from generate_series(2, $2::int) n`,
      [rare, EXAMINED_MAX + 10],
    );
    await talk.sql(
      `with o as (insert into edgechat.outbox (conversation_id, seq, kind, content, next_at) values ($1, 1, 'store', 'first', now()))
       insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at) values ($1, 1, gen_random_uuid(), 34, '', '2026-01-01')`,
      [rare],
    );
    await talk.sql('update edgechat.conversations set last_seq = $2 where id = $1', [rare, EXAMINED_MAX + 10]);

    const first = await talk.page(null, { reader: accountId(33), conversationId: rare, authorId: accountId(34) });
    expect([first.hits, first.next]).toEqual([[], expect.objectContaining({ seq: 11 })]);
    const second = await talk.page(null, {
      reader: accountId(33),
      conversationId: rare,
      authorId: accountId(34),
      after: first.next,
    });
    expect(second.hits.map(({ message }) => message.content)).toEqual(['first']);
    expect(second.next).toBeNull();
  }, 30_000);
});

describe('the whole last word', () => {
  it('is looked for first, over everything, then what begins with it: page by page, each once', async () => {
    await talk.conversation([40], ['Ana', ...Array.from({ length: 40 }, () => 'analysis'), 'Ana again']);
    const hits = await talk.all('Ana', { reader: accountId(40), limit: 7 });
    expect(
      hits
        .slice(0, 2)
        .map(({ message }) => message.content)
        .sort(),
    ).toEqual(['Ana', 'Ana again']);
    expect(hits).toHaveLength(42);
    expect(new Set(hits.map(({ message }) => message.seq)).size).toBe(42);
    const scores = hits.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });

  it.each([1, 2, 3])('ends a page of %i just where its hits end, and goes on with the beginnings', async (limit) => {
    const own = 40 + limit;
    await talk.conversation([own], ['5', '5', '50', '512']);
    const pages: string[][] = [];
    let after: Awaited<ReturnType<Talk['page']>>['next'] = null;
    do {
      const page: Awaited<ReturnType<Talk['page']>> = await talk.page('5', { reader: accountId(own), limit, after });
      pages.push(page.hits.map(({ message }) => message.content));
      after = page.next;
    } while (after !== null);
    expect(pages.flat().slice(0, 2)).toEqual(['5', '5']);
    expect(pages.flat().slice(2).sort()).toEqual(['50', '512']);
    expect(pages.every((page) => page.length > 0)).toBe(true);
  });
});
