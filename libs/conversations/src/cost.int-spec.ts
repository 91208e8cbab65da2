import type { INestApplicationContext } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import { accountId, newReplyId, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import { inProcess, ownStores, sql, storeCallsOf, type OwnStores } from '@edgechat/testing';
import type { Model } from 'mongoose';
import { ConversationsModule } from './conversations.module.js';
import { MESSAGES, MessageDocuments, type MessageDocument } from './persistence/message-documents.js';
import { prepareMessages } from './persistence/prepare-messages.js';
import { sendBatch, settleStored } from './persistence/send-batch.js';
import { ListConversations, type InboxStart } from './queries/list-conversations.js';
import { ListMembers } from './queries/list-members.js';
import { ReadMessages, type MessageRange } from './queries/read-messages.js';
import { JOIN } from './use-cases/add-members.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { SendMessage } from './use-cases/send-message.js';

const SHORT = 10;
const LONG = 20_000;
const FEW = 10;
const MANY = 10_000;
const LARGE = 300;
const CROWD = 10_000;
const PAGE: MessageRange = { direction: 'before', from: Number.MAX_SAFE_INTEGER, limit: 10 };
/** The newest ten of so many. */
const newestOf = (messages: number): MessageRange => ({ direction: 'before', from: messages + 1, limit: 10 });
const ROWS_READ = {
  name: 'test.rows_read',
  text: `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as n from pg_stat_xact_user_tables where schemaname = 'edgechat'`,
};

let stores: OwnStores;
let process: INestApplicationContext;
let short: ConversationId;
let long: ConversationId;
const author = accountId(1);

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [ConversationsModule]);
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.accounts (id, email, email_key, password_hash) select n, n::text, n::text, '' from generate_series(1, ${CROWD}) n`,
  );
  await leaveUnvacuumed();
  short = await aConversationOf(SHORT);
  long = await aConversationOf(LONG);
  await fillInboxes();
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.daily_use select n, '2026-11-24', 1, 1 from generate_series(1, ${CROWD}) n`,
  );
  await sql(stores.env.DATABASE_URL, 'analyze');
  // A connection plans a statement anew five times before it may settle on one plan for all.
  for (let i = 0; i < 12; i += 1) await process.get(ReadMessages).page(i % 2 ? short : long, author, PAGE);
}, 120_000);
// What is still owed is read too: each test begins with nothing owed.
beforeEach(() => sql(stores.env.DATABASE_URL, 'delete from edgechat.outbox'));
afterAll(async () => {
  await process.close();
  await stores.close();
});

/** Of a page that a vacuum found visible to all, an index alone gives the row: it is not read, and not counted. Which pages those are depends on when autovacuum came, and on what was written since. */
async function leaveUnvacuumed(): Promise<void> {
  await sql(
    stores.env.DATABASE_URL,
    `do $$ declare t regclass; begin
    for t in select oid from pg_class where relnamespace = 'edgechat'::regnamespace and relkind = 'r' loop execute format('alter table %s set (autovacuum_enabled = off)', t); end loop;
  end $$`,
  );
}

/** A conversation with so many messages, each with a reply, written straight into the stores: as sends they would take minutes. */
async function aConversationOf(messages: number): Promise<ConversationId> {
  const { id } = await process
    .get(CreateConversation)
    .create({ creator: author, kind: 'assistant', title: null, assistant: 'off', memberIds: [], clientKey: null });
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at) select $1, n, gen_random_uuid(), 1, '', clock_timestamp() from generate_series(1, $2::int) n`,
    [id, messages],
  );
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.replies (conversation_id, question_seq, id, account_id, status, next_at, accepted_at, deadline_at) select $1, n, gen_random_uuid(), 1, 'failed', now(), now(), now() from generate_series(1, $2::int) n`,
    [id, messages],
  );
  await sql(stores.env.DATABASE_URL, `update edgechat.conversations set last_seq = $2 where id = $1`, [id, messages]);
  const rows = await sql<{ seq: string; message_id: string }>(
    stores.env.DATABASE_URL,
    'select seq, message_id from edgechat.messages where conversation_id = $1 order by seq',
    [id],
  );
  const model = process.get<Model<MessageDocument>>(getModelToken(MESSAGES), { strict: false });
  for (let from = 0; from < rows.length; from += 500) {
    await model.collection.insertMany(
      rows.slice(from, from + 500).map((row) => ({
        conversation_id: id,
        seq: Number(row.seq),
        message_id: row.message_id,
        author: 1,
        content: 'x',
        created_at: new Date(),
      })),
    );
  }
  return id;
}

/** Who is in few conversations, in many, and in the same with large groups besides; who is in a short or the long one alone. */
const [newcomer, hoarder, fewAndLarge, manyAndLarge, ofShort, ofLong] = [
  accountId(2),
  accountId(3),
  accountId(4),
  accountId(5),
  accountId(6),
  accountId(7),
];

/** Groups of one message each, of which each account of `members` has the first so many; written straight into the stores. */
async function groupsOf(
  count: number,
  isLarge: boolean,
  members: readonly (readonly [AccountId, number])[],
): Promise<void> {
  const made = await sql<{ id: string; message_id: string }>(
    stores.env.DATABASE_URL,
    `with made as (insert into edgechat.conversations (id, kind, assistant, last_seq, member_count, is_large, updated_at)
       select gen_random_uuid(), 'group', 'off', 1, $3, $2, '2026-01-01'::timestamptz + n * interval '1 minute' from generate_series(1, $1::int) n returning id, updated_at)
     insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at) select id, 1, gen_random_uuid(), 1, '', updated_at from made returning conversation_id as id, message_id`,
    [count, isLarge, members.length],
  );
  for (const [account, first] of members) {
    await sql(
      stores.env.DATABASE_URL,
      `with joined as (insert into edgechat.members (conversation_id, account_id, role, joined_at) select id, $1, 'member', '2026-01-01' from unnest($2::uuid[]) id)
       insert into edgechat.inbox (account_id, conversation_id, ordered_at) select $1, c.id, case when c.is_large then '-infinity' else c.updated_at end from edgechat.conversations c where c.id = any ($2::uuid[])`,
      [account, made.slice(0, first).map(({ id }) => id)],
    );
  }
  const model = process.get<Model<MessageDocument>>(getModelToken(MESSAGES), { strict: false });
  for (let from = 0; from < count; from += 500) {
    await model.collection.insertMany(
      made.slice(from, from + 500).map(({ id, message_id }) => ({
        conversation_id: id,
        seq: 1,
        message_id,
        author: 1,
        content: 'x',
        created_at: new Date(),
      })),
    );
  }
}

async function fillInboxes(): Promise<void> {
  await groupsOf(MANY, false, [
    [newcomer, FEW],
    [hoarder, MANY],
    [fewAndLarge, FEW],
    [manyAndLarge, MANY],
  ]);
  await groupsOf(LARGE, true, [
    [fewAndLarge, LARGE],
    [manyAndLarge, LARGE],
  ]);
  for (const [account, id] of [
    [ofShort, short],
    [ofLong, long],
  ]) {
    await sql(
      stores.env.DATABASE_URL,
      `with joined as (insert into edgechat.members (conversation_id, account_id, role) values ($2, $1, 'member')) insert into edgechat.inbox (account_id, conversation_id, ordered_at) values ($1, $2, now())`,
      [account, id],
    );
  }
}

/** A group of so many, of which the author is one; large if it is that big. */
async function aGroupOf(members: number): Promise<ConversationId> {
  const { id } = await process
    .get(CreateConversation)
    .create({ creator: author, kind: 'group', title: null, assistant: 'off', memberIds: [], clientKey: null });
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.members (conversation_id, account_id, role) select $1, n, 'member' from generate_series(2, $2::int) n`,
    [id, members],
  );
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.inbox (account_id, conversation_id, ordered_at) select n, $1, case when $2 > 500 then '-infinity' else now() end from generate_series(2, $2::int) n`,
    [id, members],
  );
  await sql(
    stores.env.DATABASE_URL,
    `update edgechat.conversations set member_count = $2, is_large = $2 > 500 where id = $1`,
    [id, members],
  );
  if (members > 500)
    await sql(
      stores.env.DATABASE_URL,
      `update edgechat.inbox set ordered_at = '-infinity' where conversation_id = $1`,
      [id],
    );
  return id;
}

const aSend = (conversationId: ConversationId) =>
  ({
    by: 'person',
    conversationId,
    authorId: author,
    clientKey: null,
    content: 'hello',
    replyId: newReplyId(),
    answerWithinMs: 1_000,
  }) as const;

/** Limits that are far away, for one send: what is used is looked up. */
const FAR = {
  daily: { day: '2026-11-24', textBytes: 1_000_000_000, tokens: 1_000_000_000 },
  pending: [{ textBytes: 0, tokens: 0 }],
};

class Counted extends Error {
  constructor(readonly rows: number) {
    super('counted and rolled back');
  }
}

/** Rows that PostgreSQL reads for `work`, by its own count; what it wrote is rolled back. */
async function rowsRead(work: (sql: Sql) => Promise<unknown>): Promise<number> {
  const counting = process.get(Postgres, { strict: false }).transaction(async (own) => {
    const count = async (): Promise<number> => (await own.query<{ n: number }>(ROWS_READ))[0]?.n ?? NaN;
    // A connection plans a statement anew five times, inside of functions too, before it may settle on one plan.
    for (let i = 0; i < 8; i += 1) await work(own);
    const before = await count();
    await work(own);
    throw new Counted((await count()) - before);
  });
  const counted: unknown = await counting.catch((error: unknown) => error);
  if (counted instanceof Counted) return counted.rows;
  throw counted;
}

/** Buffers that PostgreSQL reads for the one statement of `work`, by its own count. */
async function buffersRead(work: (sql: Sql) => Promise<unknown>): Promise<number> {
  let buffers = 0;
  const explaining = {
    query: async ({ text }: Statement, values: readonly unknown[] = []): Promise<object[]> => {
      const [row] = await sql<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
        stores.env.DATABASE_URL,
        `explain (analyze, buffers, format json) ${text}`,
        values,
      );
      const plan = row?.['QUERY PLAN'][0].Plan ?? {};
      buffers += (plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN);
      return [];
    },
  };
  await work(explaining as unknown as Sql);
  return buffers;
}

describe('guarantee 8: cost does not grow with age', () => {
  it('a send makes the same store calls at 10 and at 20,000 messages: one to PostgreSQL, one to MongoDB, one per queue', async () => {
    const [few, many] = [
      await storeCallsOf(() => process.get(SendMessage).send(aSend(short))),
      await storeCallsOf(() => process.get(SendMessage).send(aSend(long))),
    ];

    expect(many).toEqual(['postgres conversations.send_messages', 'mongo messages.put', 'redis bell']);
    expect(few).toEqual(many);
  });

  it('40 sends at once share them', async () => {
    const calls = await storeCallsOf(() =>
      Promise.all(Array.from({ length: 40 }, () => process.get(SendMessage).send(aSend(long)))),
    );

    expect(calls).toEqual(['postgres conversations.send_messages', 'mongo messages.put', 'redis bell']);
  });

  it('a page makes the same store calls: one to PostgreSQL, then one to MongoDB', async () => {
    const page = (id: ConversationId) => () => process.get(ReadMessages).page(id, author, PAGE);

    const [few, many] = [await storeCallsOf(page(short)), await storeCallsOf(page(long))];

    expect(many).toEqual(['postgres conversations.ledger_range_within', 'mongo messages.list_range']);
    expect(few).toEqual(many);
  });

  it('a send reads the same number of rows', async () => {
    const [few, many] = [
      await rowsRead((own) => sendBatch(own, [aSend(short)], [], FAR)),
      await rowsRead((own) => sendBatch(own, [aSend(long)], [], FAR)),
    ];

    expect(many).toBe(few);
    expect(many).toBeLessThan(20);
  });

  it.each([
    // (The newest but those that were sent here, which have no reply.)
    ['the newest', newestOf],
    ['the oldest', (): MessageRange => ({ direction: 'skip', from: 0, limit: 10 })],
    ['from the start on', (): MessageRange => ({ direction: 'after', from: 0, limit: 10 })],
  ] as const)('a page of %s, each with its reply, reads the same number of rows', async (_, range) => {
    const documents = process.get(MessageDocuments, { strict: false });
    // The reader as it ships, on a connection that counts.
    const page = (id: ConversationId, messages: number) => (own: Sql) =>
      new ReadMessages(own as Postgres, documents, process.get(Log)).page(id, author, range(messages));

    const [few, many] = [await rowsRead(page(short, SHORT)), await rowsRead(page(long, LONG))];

    expect(many).toBe(few);
    expect(many).toBeLessThan(10 * 4);
  });

  it('what is read for work inside, such as the history of an answer, reads no reply', async () => {
    const documents = process.get(MessageDocuments, { strict: false });
    const reading = (own: Sql): ReadMessages => new ReadMessages(own as Postgres, documents, process.get(Log));

    const [shown, inside] = [
      await rowsRead((own) => reading(own).page(long, author, newestOf(LONG))),
      await rowsRead((own) => reading(own).upTo(long, LONG, 10)),
    ];

    expect(shown - inside).toBeGreaterThanOrEqual(10);
  });

  it('debts to MongoDB are ended one by one, also where PostgreSQL counted the outbox while it was empty', async () => {
    await sql(stores.env.DATABASE_URL, 'analyze edgechat.outbox');
    await sql(
      stores.env.DATABASE_URL,
      `insert into edgechat.outbox (conversation_id, seq, kind, content, next_at) select $1, n, 'store', 'x', clock_timestamp() from generate_series(1, 2000) n`,
      [long],
    );
    const places = Array.from({ length: 100 }, (_, n) => ({ conversation_id: long, seq: n + 1 }));

    expect(await rowsRead((own) => settleStored(own, places))).toBeLessThan(200);
  });

  it('a page examines as many documents in MongoDB as it shows', async () => {
    const model = process.get<Model<MessageDocument>>(getModelToken(MESSAGES), { strict: false });
    const examined = async (conversation_id: string, seq: object): Promise<unknown> => {
      const plan = (await model.collection
        .find({ conversation_id, seq })
        .sort({ seq: 1 })
        .explain('executionStats')) as { executionStats: { totalDocsExamined: number } };
      return plan.executionStats.totalDocsExamined;
    };

    expect(await examined(long, { $gte: 15_001, $lte: 15_010 })).toBe(10);
    expect(await examined(short, { $gte: 1, $lte: 10 })).toBe(10);
  });
});

describe('guarantee 8: a page of the inbox costs the same at 10 and at 10,000 conversations, however old they are', () => {
  const inbox =
    (account: AccountId, start: InboxStart, limit = 5) =>
    (own: Sql) =>
      new ListConversations(own as Postgres, process.get(MessageDocuments, { strict: false }), process.get(Log)).page(
        account,
        limit,
        start,
      );
  /** The place after so many conversations, as a cursor holds it. */
  async function placeAfter(account: AccountId, count: number): Promise<InboxStart> {
    const { next } = await process.get(ListConversations).page(account, 1, { by: 'skip', skip: count - 1 });
    if (!next) throw new Error(`${account} has no ${count + 1} conversations`);
    return { by: 'place', ...next };
  }
  const START: InboxStart = { by: 'skip', skip: 0 };

  it('it makes the same store calls: one to PostgreSQL, then one to MongoDB', async () => {
    const page = (account: AccountId, start: InboxStart) => () =>
      process.get(ListConversations).page(account, 5, start);

    const calls = [
      await storeCallsOf(page(newcomer, await placeAfter(newcomer, 3))),
      await storeCallsOf(page(hoarder, await placeAfter(hoarder, 5_000))),
      await storeCallsOf(page(manyAndLarge, await placeAfter(manyAndLarge, 5_000))),
    ];

    expect(calls).toEqual(Array(3).fill(['postgres conversations.inbox_after', 'mongo messages.list_places']));
  });

  it.each([
    ['the first', null, null],
    ['one from the middle', 3, 5_000],
  ] as const)('it reads the same rows and about as many buffers: %s', async (_, ofFew, ofMany) => {
    const [few, many] = [
      inbox(newcomer, ofFew ? await placeAfter(newcomer, ofFew) : START),
      inbox(hoarder, ofMany ? await placeAfter(hoarder, ofMany) : START),
    ];

    const [rowsOfFew, rowsOfMany] = [await rowsRead(few), await rowsRead(many)];
    expect(rowsOfMany).toBe(rowsOfFew);
    expect(rowsOfMany).toBeLessThan(6 * 5);
    // (What an index holds and no row is fetched for is counted in buffers only. An index of more rows is a level higher.)
    expect(await buffersRead(many)).toBeLessThan(2 * (await buffersRead(few)));
  });

  it('it reads the same rows where a conversation has 20,000 messages as where it has 10', async () => {
    expect(await rowsRead(inbox(ofLong, START))).toBe(await rowsRead(inbox(ofShort, START)));
  });

  it.each([
    ['the first', null, null],
    ['one from the middle', 150, 5_000],
  ] as const)(
    'beside 300 large groups, it reads at most three rows of each of those more, at 10 and at 10,000: %s',
    async (_, ofFew, ofMany) => {
      const [few, many] = [
        inbox(fewAndLarge, ofFew ? await placeAfter(fewAndLarge, ofFew) : START),
        inbox(manyAndLarge, ofMany ? await placeAfter(manyAndLarge, ofMany) : START),
      ];

      const [rowsOfFew, rowsOfMany] = [await rowsRead(few), await rowsRead(many)];
      expect(Math.max(rowsOfFew, rowsOfMany)).toBeLessThan(3 * LARGE + 6 * 5);
      expect(await buffersRead(many)).toBeLessThan(2 * (await buffersRead(few)));
    },
  );
});

describe('guarantee 8: a group of 10,000 costs what a group of 10 costs', () => {
  let groups: ConversationId[];
  beforeAll(async () => {
    groups = [await aGroupOf(10), await aGroupOf(500), await aGroupOf(CROWD)];
    await sql(stores.env.DATABASE_URL, 'analyze');
  });

  it('a send to it: the same store calls, and no more rows', async () => {
    const calls: unknown[] = [];
    const rows: number[] = [];
    for (const id of groups) {
      calls.push(await storeCallsOf(() => process.get(SendMessage).send(aSend(id))));
      rows.push(await rowsRead((own) => sendBatch(own, [aSend(id)])));
    }

    expect(calls).toEqual(Array(3).fill(['postgres conversations.send_messages', 'mongo messages.put', 'redis bell']));
    for (const read of rows) expect(read).toBeLessThanOrEqual(rows[0] ?? NaN);
    expect(Math.max(...rows)).toBeLessThan(20);
  });

  it('who is taken into it: as many rows, and as many where that one is in 10,000 conversations', async () => {
    const rows: number[] = [];
    for (const [id, who] of [
      [groups[0], newcomer],
      [groups[0], hoarder],
      [groups[2], newcomer],
      [groups[2], hoarder],
    ] as const)
      rows.push(
        await rowsRead(async (own) => {
          await own.query(
            {
              name: 'test.leave',
              text: 'with gone as (delete from edgechat.members where conversation_id = $1 and account_id = $2) delete from edgechat.inbox where conversation_id = $1 and account_id = $2',
            },
            [id, who],
          );
          await own.query(JOIN, [id, [who], id === groups[2], author]);
        }),
      );

    for (const read of rows) expect(read).toBe(rows[0]);
    expect(rows[0]).toBeLessThan(20);
  });

  it('a page of its messages, and one of its members', async () => {
    const documents = process.get(MessageDocuments, { strict: false });
    const read = async (work: (id: ConversationId) => (own: Sql) => Promise<unknown>): Promise<number[]> => {
      const rows: number[] = [];
      for (const id of groups) rows.push(await rowsRead(work(id)));
      return rows;
    };

    const messages = await read(
      (id) => (own) => new ReadMessages(own as Postgres, documents, process.get(Log)).page(id, author, PAGE),
    );
    const members = await read(
      (id) => (own) =>
        new ListMembers(own as Postgres).page(id, author, 5, { joinedAt: new Date(0), accountId: author }),
    );

    expect(messages).toEqual(Array(3).fill(messages[0]));
    expect(members).toEqual(Array(3).fill(members[0]));
  });
});
