import { hash } from '@node-rs/argon2';
import { MongoClient } from 'mongodb';
import pg from 'pg';
import { searchDomain } from './pure.mjs';
import { conversationIdOf, idSql, messageIdOf, textOf } from './text.mjs';

// The data that is measured on, loaded in bulk into the tables and the collection: by sends it would take an hour.

export const PASSWORD = 'correct horse battery';
export const PEOPLE = 300;
/** Who reads what: accounts of their own, so that nothing else is in their inboxes. */
export const READERS = { page: 301, few: 311, many: 321, searchFew: 331, searchMany: 332 };
const ACCOUNTS = 340;
const BEGAN_AT = Date.UTC(2025, 0, 1);
const DOCUMENTS_AT_ONCE = 5_000;

/** Each group of conversations: how many, of how many messages, and whose they are (`members(n)` as SQL of `n`, from 0). */
export const GROUPS = {
  send: {
    count: 1_000,
    size: 0,
    members: `array[n % ${PEOPLE} + 1, (n + 1) % ${PEOPLE} + 1, (n + 2) % ${PEOPLE} + 1]`,
    author: 1,
  },
  busy: { count: 1, size: 0, members: 'array(select generate_series(1, 64))', author: 1 },
  answer: { count: 1_000, size: 0, members: `array[n % ${PEOPLE} + 1]`, author: 1, isAssistant: true },
  page100: { count: 20, size: 100, members: 'array[301, 302]', author: 301 },
  page1000: { count: 5, size: 1_000, members: 'array[301, 302]', author: 301 },
  page10000: { count: 2, size: 10_000, members: 'array[301, 302]', author: 301 },
  page100000: { count: 1, size: 100_000, members: 'array[301, 302]', author: 301 },
  few: { count: 100, size: 1, members: 'array[311 + n / 10]', author: 311 },
  many: { count: 5_000, size: 1, members: 'array[321, 322]', author: 321 },
  searchFew: { count: 10, size: 100, members: 'array[331]', author: 331 },
  searchMany: { count: 100, size: 2_000, members: 'array[332]', author: 332 },
};

const ACCOUNT_ROWS = `
  insert into edgechat.accounts (id, email, email_key, password_hash)
  select i, 'bench-' || i || '@example.com', 'bench-' || i || '@example.com', $1 from generate_series(1, ${ACCOUNTS}) i`;

const conversationRows = ({ count, size, members, isAssistant }) => `
  with made as (
    select ${idSql("$1 || '-' || n")} as id, to_timestamp(${BEGAN_AT / 1_000} + n * 60 + ${size}) as at, ${members} as accounts from generate_series(0, ${count - 1}) n
  ), conversation as (
    insert into edgechat.conversations (id, kind, assistant, last_seq, member_count, created_at, updated_at)
    select id, '${isAssistant ? 'assistant' : 'group'}', '${isAssistant ? 'always' : 'off'}', ${size}, cardinality(accounts), at, at from made
  ), member as (
    insert into edgechat.members (conversation_id, account_id, role, joined_at)
    select id, account, case when place = 1 then 'owner' else 'member' end, at from made, unnest(accounts) with ordinality as a (account, place)
  )
  insert into edgechat.inbox (account_id, conversation_id, ordered_at) select account, id, at from made, unnest(accounts) account`;

/** About what each text has: the texts are made here and not in PostgreSQL, which only has to know that they are short. */
const TEXT_BYTES = 96;
const messageRows = ({ count, size, author }) => `
  insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at, bytes)
  select c.id, s, ${idSql("c.id || ':' || s")}, ${author}, 'bench', to_timestamp(${BEGAN_AT / 1_000} + c.n * 60 + s), ${TEXT_BYTES}
  from (select n, ${idSql("$1 || '-' || n")} as id from generate_series(0, ${count - 1}) n) c, generate_series(1, ${size}) s`;

function* documentsOf(name, { count, size, author }) {
  for (let n = 0; n < count; n += 1) {
    const conversation_id = conversationIdOf(name, n);
    for (let seq = 1; seq <= size; seq += 1) {
      yield {
        conversation_id,
        seq,
        message_id: messageIdOf(conversation_id, seq),
        author,
        content: textOf(n * 1_000_003 + seq),
        created_at: new Date(BEGAN_AT + (n * 60 + seq) * 1_000),
      };
    }
  }
}

const SEARCH_ROWS = `
  insert into edgechat.search_words (conversation_id, seq, author, created_at, words)
  select id, seq, author, at, words::tsvector from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[]) as t (id, seq, author, at, words)`;

async function loadTexts(stack, client) {
  const { Slices, tsvectorOf } = await searchDomain();
  const slices = new Slices('bench');
  const wordsOf = async ({ conversation_id: id, seq, content }) => (await tsvectorOf(id, seq, content, slices)).words;
  const mongo = new MongoClient(stack.env.MONGODB_URL);
  const messages = mongo.db('edgechat').collection('messages');
  const flush = async (batch, isSearched) => {
    await messages.insertMany(batch, { ordered: false });
    if (!isSearched) return;
    const column = (of) => batch.map(of);
    await client.query(SEARCH_ROWS, [
      column((one) => one.conversation_id),
      column((one) => one.seq),
      column((one) => one.author),
      column((one) => one.created_at),
      await Promise.all(batch.map(wordsOf)),
    ]);
  };
  for (const [name, group] of Object.entries(stack.groups)) {
    const isSearched = name.startsWith('search'); // the others' rows would only make the load longer
    let batch = [];
    for (const document of documentsOf(name, group)) {
      if (batch.push(document) < DOCUMENTS_AT_ONCE) continue;
      await flush(batch, isSearched);
      batch = [];
    }
    if (batch.length > 0) await flush(batch, isSearched);
  }
  await mongo.close();
}

/** Loads what the scenarios need; `groups` are the names of those, or a part of them. Afterwards the planner knows the tables. */
export async function load(stack, groups) {
  stack.groups = Object.fromEntries(groups.map((name) => [name, GROUPS[name]]));
  const client = new pg.Client(stack.env.DATABASE_URL);
  await client.connect();
  try {
    await client.query(ACCOUNT_ROWS, [
      await hash(PASSWORD, { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 }),
    ]);
    for (const [name, group] of Object.entries(stack.groups)) {
      await client.query(conversationRows(group), [name]);
      if (group.size > 0) await client.query(messageRows(group), [name]);
    }
    await loadTexts(stack, client);
    await client.query('vacuum analyze');
    // What the load left in memory is on the disk before anything is measured.
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}
