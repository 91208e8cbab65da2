import type { ReadMessages } from '@edgechat/conversations';
import { accountId, conversationId, Slices, type ConversationId } from '@edgechat/kernel';
import type { SearchPostgres } from '@edgechat/database';
import type { Statement } from '@edgechat/platform/postgres';
import { loadConfig } from '@edgechat/platform/config';
import pg from 'pg';
import { parseQuery } from './domain/query.js';
import { BLOCK, tsvectorOf } from './domain/terms.js';
import { SearchMessages } from './queries/search-messages.js';
import type { Search } from './queries/search.js';
import { Talk } from './test-talk.js';

/** 200,000 messages. */
const OTHERS: Shape = { conversations: 1_000, messages: 200 };
const QUERIES = [
  'rare',
  'common',
  'common often',
  'often usual rare',
  'c',
  'ofte',
  '北京大学',
  '京',
  '北京 common',
  'nowhere',
];
/**
 * PostgreSQL makes the plan of a statement in a function anew for the values of each call, or once for all, whichever it expects to be cheaper by the statistics of the moment and by what it
 * planned before. What must hold must hold with either.
 */
const PLANS = ['force_custom_plan', 'force_generic_plan'] as const;

let talk: Talk;
let client: pg.Client;
beforeAll(async () => {
  talk = await Talk.begin();
  client = new pg.Client({
    connectionString: talk.stores.env.DATABASE_URL,
    options: '-c enable_seqscan=off -c jit=off',
    statement_timeout: 30_000,
  });
  await client.connect();
  await loadTemplates();
  await fillIndexes();
}, 60_000);
afterAll(async () => {
  await client.end();
  await talk.end();
});

const NOBODY = conversationId('00000000-0000-0000-0000-000000000000') as ConversationId;

/** 1,000 messages of 6 to 18 words, as the indexer writes them, for a conversation whose id ends in zeros: of their words one is in all, one in every other, and one in a few. */
async function loadTemplates(): Promise<void> {
  let seed = 1;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const text = (n: number): string =>
    [
      'common',
      ...(n % 2 ? ['often'] : []),
      ...(n % 10 ? [] : ['usual']),
      ...(n % 500 ? [] : ['rare']),
      ...(n % 20 ? [] : ['我在北京大学学习']),
      ...Array.from(
        { length: 5 + random(12) },
        () => `${'abcdefghijklmnoprstuvw'[random(22)]}${'aeiou'[random(5)]}${random(2) ? random(20) : random(2_000)}`,
      ),
    ].join(' ');
  const slices = new Slices('test');
  await client.query('create table templates (n int primary key, words text)');
  await client.query('insert into templates select * from unnest($1::int[], $2::text[])', [
    Array.from({ length: 1_000 }, (_, n) => n),
    await Promise.all(
      Array.from({ length: 1_000 }, async (_, n) => (await tsvectorOf(NOBODY, 1, text(n), slices)).words),
    ),
  ]);
}

/** Into an empty index the planner looks each time that it makes a plan (of one that is not it remembers the height), and here it would read more than the search. No index of messages stays empty where somebody searches. */
async function fillIndexes(): Promise<void> {
  await client.query(
    `insert into edgechat.messages (conversation_id, seq, message_id, author, client_key, content_hash, created_at) values ($1, 1, gen_random_uuid(), 1, 'k', '', '2026-01-01')`,
    [NOBODY],
  );
  await client.query(
    `insert into edgechat.messages (conversation_id, seq, message_id, author, answers_seq, content_hash, created_at) values ($1, 2, gen_random_uuid(), 0, 1, '', '2026-01-01')`,
    [NOBODY],
  );
}

interface Shape {
  readonly conversations: number;
  readonly messages: number;
}

/** Conversations of one member, with so many messages each. */
async function loadConversations(account: number, { conversations, messages }: Shape): Promise<void> {
  await client.query(
    `with made as (insert into edgechat.conversations (id, kind, assistant, last_seq, member_count, created_at, updated_at)
       select gen_random_uuid(), 'group', 'off', $3::int, 1, '2026-01-01', '2026-12-31' from generate_series(1, $2::int) returning id),
     joined as (insert into edgechat.members (conversation_id, account_id, role) select id, $1, 'owner' from made)
     insert into edgechat.inbox (account_id, conversation_id, ordered_at) select $1, id, '2026-12-31' from made`,
    [account, conversations, messages],
  );
}

/** Indexes all messages of all conversations anew, in the order of their time: of each conversation so many in a row, as a worker does it that found them owed. */
async function loadIndex(run: number): Promise<void> {
  await client.query('truncate edgechat.search_words');
  await client.query(
    `insert into edgechat.search_words (conversation_id, seq, author, created_at, words)
     select c.id, s, 1, '2026-01-01'::timestamptz + s * interval '1 second', replace(t.words, '000000000.', right(c.id::text, 8) || to_hex((s - 1) / ${BLOCK}) || '.')::tsvector
     from (select id, last_seq, row_number() over (order by id) as n from edgechat.conversations) c cross join lateral generate_series(1, c.last_seq) s
       join templates t on t.n = (s * 7 + c.n * 13) % 1000
     order by ((s - 1) / $1::int) * $1::int * 1000000 / c.last_seq, c.n, s`,
    [run],
  );
}

/** What PostgreSQL reads for a search, in buffers, by its own count. */
async function buffersOf(q: string, more: Partial<Search> = {}): Promise<number> {
  let buffers = 0;
  const explaining = {
    query: async ({ text }: Statement, values: unknown[]): Promise<unknown[]> => {
      const {
        rows: [row],
      } = await client.query(`explain (analyze, buffers, format json) ${text}`, values);
      const [{ Plan: plan }] = (row as { 'QUERY PLAN': [{ Plan: Record<string, number> }] })['QUERY PLAN'];
      buffers += (plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN);
      return (await client.query(text, values)).rows as unknown[];
    },
  };
  const nothing = { placesWithin: () => Promise.resolve({ messages: [], covered: 0 }) };
  const parsed = parseQuery(q);
  if (parsed.kind !== 'query') throw new Error(parsed.kind);
  await new SearchMessages(
    explaining as unknown as SearchPostgres,
    nothing as unknown as ReadMessages,
    loadConfig({}, 'api'),
  ).listHits({
    reader: accountId(1),
    query: parsed.query,
    sort: 'relevance',
    limit: 20,
    after: null,
    conversationId: null,
    authorId: null,
    role: null,
    from: null,
    to: null,
    ...more,
  });
  return buffers;
}

/** What each search reads, with each kind of plan. */
async function measureAll(): Promise<Map<string, number>> {
  const measured = new Map<string, number>();
  for (const plans of PLANS) {
    await client.query(`set plan_cache_mode = ${plans}`);
    // The least of some: the first time, and once more after each analyze or vacuum of a table (they come when they like), a connection also reads what it needs to know of tables and functions.
    for (let i = 0; i < 3; i += 1) {
      for (const q of QUERIES) {
        for (const sort of ['relevance', 'newest'] as const) {
          const key = `${q}, ${sort}, ${plans}`;
          measured.set(key, Math.min(measured.get(key) ?? Infinity, await buffersOf(q, { sort })));
        }
      }
    }
  }
  return measured;
}

describe("guarantee 8: the cost of a search follows the caller's own messages", () => {
  // What is read besides is where rows lie: of a word that is in nearly every message of one conversation, each row may be in a page of its own. The more of them a worker writes at once, the fewer.
  it.each([
    ['10 conversations, indexed one by one among those of others', { conversations: 10, messages: 200 }, 1],
    ['one conversation, indexed 20 at once', { conversations: 1, messages: 2_000 }, 20],
  ])(
    'for an account with 2,000 messages (%s) it reads at most 3 times as many buffers beside 200,000 messages of others as without them',
    async (_, own, run) => {
      await client.query('truncate edgechat.conversations, edgechat.members, edgechat.inbox');
      await loadConversations(1, own);
      await loadIndex(run);
      const alone = await measureAll();

      await loadConversations(2, OTHERS);
      await loadIndex(run);
      const beside = await measureAll();

      for (const [q, buffers] of alone)
        expect([q, buffers, beside.get(q), (beside.get(q) ?? NaN) <= 3 * buffers]).toEqual([
          q,
          buffers,
          beside.get(q),
          true,
        ]);
    },
    120_000,
  );

  it('and with a common word not even those: it ends where it has the newest', async () => {
    await client.query('truncate edgechat.conversations, edgechat.members, edgechat.inbox');
    await loadConversations(1, { conversations: 1, messages: 10 * BLOCK });
    await loadIndex(20);
    await client.query(
      `insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at) select conversation_id, seq, gen_random_uuid(), author, '', created_at from edgechat.search_words`,
    );

    const [, rows] = await Promise.all([
      measureAll(),
      client.query<{ n: string }>('select count(*) as n from edgechat.search_words'),
    ]);

    expect(Number(rows.rows[0]?.n)).toBe(10 * BLOCK);
    expect(await buffersOf('common')).toBeLessThan(1_000);
  }, 60_000);
});
