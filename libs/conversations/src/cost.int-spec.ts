import type { INestApplicationContext } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import { accountId, newReplyId, type ConversationId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Sql } from '@edgechat/platform/postgres';
import { inProcess, ownStores, sql, storeCallsOf, type OwnStores } from '@edgechat/testing';
import type { Model } from 'mongoose';
import { ConversationsModule } from './conversations.module.js';
import { MESSAGES, MessageDocuments, type MessageDocument } from './persistence/message-documents.js';
import { prepareMessages } from './persistence/prepare-messages.js';
import { sendBatch } from './persistence/send-batch.js';
import { ReadMessages, type MessageRange } from './queries/read-messages.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { SendMessage } from './use-cases/send-message.js';

const SHORT = 10;
const LONG = 20_000;
const PAGE: MessageRange = { direction: 'before', from: Number.MAX_SAFE_INTEGER, limit: 10 };
const ROWS_READ = { name: 'test.rows_read', text: `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as n from pg_stat_xact_user_tables where schemaname = 'edgechat'` };

let stores: OwnStores;
let process: INestApplicationContext;
let short: ConversationId;
let long: ConversationId;
const author = accountId(1);

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [ConversationsModule]);
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await sql(stores.env.DATABASE_URL, `insert into edgechat.accounts (email, email_key, password_hash) select n::text, n::text, '' from generate_series(1, 1000) n`);
  short = await aConversationOf(SHORT);
  long = await aConversationOf(LONG);
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

/** A conversation with so many messages, written straight into the stores: as sends they would take minutes. */
async function aConversationOf(messages: number): Promise<ConversationId> {
  const { id } = await process.get(CreateConversation).create({ creator: author, title: null, assistant: 'off', clientKey: null });
  await sql(stores.env.DATABASE_URL, `insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at) select $1, n, gen_random_uuid(), 1, '', clock_timestamp() from generate_series(1, $2::int) n`, [id, messages]);
  await sql(stores.env.DATABASE_URL, `update edgechat.conversations set last_seq = $2 where id = $1`, [id, messages]);
  const rows = await sql<{ seq: string; message_id: string }>(stores.env.DATABASE_URL, 'select seq, message_id from edgechat.messages where conversation_id = $1 order by seq', [id]);
  const model = process.get<Model<MessageDocument>>(getModelToken(MESSAGES), { strict: false });
  for (let from = 0; from < rows.length; from += 2_000) {
    await model.collection.insertMany(rows.slice(from, from + 2_000).map((row) => ({ conversation_id: id, seq: Number(row.seq), message_id: row.message_id, author: 1, content: 'x', created_at: new Date() })));
  }
  return id;
}

const aSend = (conversationId: ConversationId) => ({ by: 'person', conversationId, authorId: author, clientKey: null, content: 'hello', replyId: newReplyId(), answerWithinMs: 1_000 }) as const;

class Counted extends Error {
  constructor(readonly rows: number) {
    super('counted and rolled back');
  }
}

/** Rows that PostgreSQL reads for `work`, by its own count; what it wrote is rolled back. */
async function rowsRead(work: (sql: Sql) => Promise<unknown>): Promise<number> {
  const counting = process.get(Postgres, { strict: false }).transaction(async (own) => {
    const count = async (): Promise<number> => (await own.query<{ n: number }>(ROWS_READ))[0]?.n ?? NaN;
    const before = await count();
    await work(own);
    throw new Counted((await count()) - before);
  });
  const counted: unknown = await counting.catch((error: unknown) => error);
  if (counted instanceof Counted) return counted.rows;
  throw counted;
}

describe('guarantee 8: cost does not grow with age', () => {
  it('a send makes the same store calls at 10 and at 20,000 messages: one to PostgreSQL, one to MongoDB, one per queue', async () => {
    const [few, many] = [await storeCallsOf(() => process.get(SendMessage).send(aSend(short))), await storeCallsOf(() => process.get(SendMessage).send(aSend(long)))];

    expect(many).toEqual(['postgres conversations.send_messages', 'mongo messages.put', 'redis bell']);
    expect(few).toEqual(many);
  });

  it('40 sends at once share them', async () => {
    const calls = await storeCallsOf(() => Promise.all(Array.from({ length: 40 }, () => process.get(SendMessage).send(aSend(long)))));

    expect(calls).toEqual(['postgres conversations.send_messages', 'mongo messages.put', 'redis bell']);
  });

  it('a page makes the same store calls: one to PostgreSQL, then one to MongoDB', async () => {
    const page = (id: ConversationId) => () => process.get(ReadMessages).page(id, author, PAGE);

    const [few, many] = [await storeCallsOf(page(short)), await storeCallsOf(page(long))];

    expect(many).toEqual(['postgres conversations.ledger_range', 'mongo messages.list_range']);
    expect(few).toEqual(many);
  });

  it('a send reads the same number of rows', async () => {
    const [few, many] = [await rowsRead((own) => sendBatch(own, [aSend(short)])), await rowsRead((own) => sendBatch(own, [aSend(long)]))];

    expect(many).toBe(few);
    expect(many).toBeLessThan(20);
  });

  it.each([
    ['the newest', PAGE],
    ['the oldest', { direction: 'skip', from: 0, limit: 10 }],
    ['from the start on', { direction: 'after', from: 0, limit: 10 }],
  ] as const)('a page of %s reads the same number of rows', async (_, range) => {
    const documents = process.get(MessageDocuments, { strict: false });
    // The reader as it ships, on a connection that counts.
    const page = (id: ConversationId) => (own: Sql) => new ReadMessages(own as Postgres, documents, process.get(Log)).page(id, author, range);

    const [few, many] = [await rowsRead(page(short)), await rowsRead(page(long))];

    expect(many).toBe(few);
    expect(many).toBeLessThan(10 * 4);
  });

  it('a page examines as many documents in MongoDB as it shows', async () => {
    const model = process.get<Model<MessageDocument>>(getModelToken(MESSAGES), { strict: false });
    const examined = async (conversation_id: string, seq: object): Promise<unknown> => {
      const plan = (await model.collection.find({ conversation_id, seq }).sort({ seq: 1 }).explain('executionStats')) as { executionStats: { totalDocsExamined: number } };
      return plan.executionStats.totalDocsExamined;
    };

    expect(await examined(long, { $gte: 15_001, $lte: 15_010 })).toBe(10);
    expect(await examined(short, { $gte: 1, $lte: 10 })).toBe(10);
  });
});
