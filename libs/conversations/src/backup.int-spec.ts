import type { INestApplicationContext } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import { accountId, newMessageId, newReplyId, type ConversationId } from '@edgechat/kernel';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import type { Model } from 'mongoose';
import pg from 'pg';
import { ConversationsModule } from './conversations.module.js';
import { MessageBackupModule } from './message-backup.module.js';
import { readDump } from './persistence/dump-format.js';
import { MESSAGES, type MessageDocument } from './persistence/message-documents.js';
import { prepareMessages } from './persistence/prepare-messages.js';
import type { LostTexts } from './queries/find-lost-texts.js';
import { ListConversations } from './queries/list-conversations.js';
import { ReadMessages } from './queries/read-messages.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { DumpMessages } from './use-cases/dump-messages.js';
import { FanOutMessages } from './use-cases/fan-out-messages.js';
import { PurgeConversation } from './use-cases/purge-conversation.js';
import { RestoreMessages, type RestoreProgress } from './use-cases/restore-messages.js';
import { SendMessage } from './use-cases/send-message.js';
import { StoreMessages } from './use-cases/store-messages.js';
import { StoredTexts } from './use-cases/stored-texts.js';
import { WipeMessages } from './use-cases/wipe-messages.js';

let stores: OwnStores;
let process: INestApplicationContext;
const ada = accountId(1);
const { signal } = new AbortController();

beforeEach(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [ConversationsModule, MessageBackupModule], {
    TEXT_MB_PER_DAY: 'unlimited', // else counts are written between the tables that are put back
  });
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.accounts (id, email, email_key, password_hash) values (1, 'a', 'a', '')`,
  );
});
afterEach(async () => {
  await process.close();
  await stores.close();
});

/** As if the process died after these sends: it does not tell any more that MongoDB has the texts, which stay owed. */
async function andDie(sends: () => Promise<unknown>): Promise<void> {
  const stored = process.get(StoredTexts);
  stored.add = () => undefined;
  await sends().finally(() => Reflect.deleteProperty(stored, 'add'));
}
const aConversation = async (): Promise<ConversationId> =>
  (
    await process
      .get(CreateConversation)
      .create({ creator: ada, kind: 'assistant', title: null, assistant: 'off', memberIds: [], clientKey: null })
  ).id;
const send = (conversationId: ConversationId, content: string, clientKey: string | null = null) =>
  process.get(SendMessage).send({
    by: 'person',
    conversationId,
    authorId: ada,
    clientKey,
    content,
    replyId: newReplyId(),
    answerWithinMs: 1_000,
  });
const documents = () => process.get<Model<MessageDocument>>(getModelToken(MESSAGES), { strict: false }).collection;
const store = (id: string): Promise<void> => process.get(StoreMessages).run(id, signal);

/** All texts of a conversation, as a member reads them. */
async function texts(id: ConversationId): Promise<string[]> {
  const all: string[] = [];
  for (let isMore = true; isMore;) {
    const page = await process.get(ReadMessages).page(id, ada, { direction: 'after', from: all.length, limit: 100 });
    expect(page.items.map(({ seq }) => seq)).toEqual(page.items.map((_, n) => all.length + n + 1));
    all.push(...page.items.map(({ content }) => content));
    isMore = page.hasMore;
  }
  return all;
}

/** What pg_dump does for schema edgechat: all its rows as of one moment; `restore` puts them in the place of those that are there. */
async function dumpPostgres(): Promise<{ restore: () => Promise<void> }> {
  const client = new pg.Client(stores.env.DATABASE_URL);
  await client.connect();
  await client.query('begin isolation level repeatable read');
  const { rows: tables } = await client.query<{ name: string }>(
    `select 'edgechat.' || tablename as name from pg_tables where schemaname = 'edgechat' and tablename not in ('migrations', 'schema_info')`,
  );
  const rows = new Map<string, string>();
  for (const { name } of tables)
    rows.set(
      name,
      (await client.query<{ all: string }>(`select coalesce(json_agg(t), '[]')::text as all from ${name} t`)).rows[0]
        ?.all ?? '[]',
    );
  await client.query('commit');
  await client.end();
  return {
    restore: async () => {
      await sql(stores.env.DATABASE_URL, `truncate ${[...rows.keys()].join(', ')} cascade`);
      for (const name of [...rows.keys()].sort())
        await sql(
          stores.env.DATABASE_URL,
          `insert into ${name} overriding system value select * from json_populate_recordset(null::${name}, $1)`,
          [rows.get(name)],
        );
    },
  };
}

async function dumpMessages(): Promise<string[]> {
  const lines: string[] = [];
  for await (const some of process.get(DumpMessages).run({ messages: 0, foreign: 0 }, signal))
    lines.push(...some.trimEnd().split('\n'));
  return lines;
}

async function restoreMessages(lines: readonly string[]): Promise<RestoreProgress & { lost: LostTexts }> {
  const progress: RestoreProgress = { kept: 0, unknown: 0, beyond: 0, foreign: 0, ended: 0 };
  const lost = await process.get(RestoreMessages).run(
    readDump(
      (async function* () {
        yield* lines;
      })(),
    ),
    progress,
    signal,
  );
  return { ...progress, lost };
}

const wipe = (): Promise<void> => process.get(WipeMessages).run(() => undefined, signal);
const NOTHING_LOST: LostTexts = { count: 0, first: [] };

describe('a backup: PostgreSQL first, the messages after', () => {
  it('taken under sends, wiped and restored, has no hole and no foreign text, and sends go on', async () => {
    const [stored, owed, busy] = [await aConversation(), await aConversation(), await aConversation()];
    for (let n = 1; n <= 120; n += 1) await send(stored, `stored ${n}`);
    await store(stored);
    await andDie(() => Promise.all([1, 2, 3, 4, 5].map((n) => send(owed, `owed ${n}`))));
    await documents().deleteMany({ conversation_id: owed, seq: { $gt: 2 } }); // the sender's own write did not get there
    let isOver = false;
    let sent = 0;
    const traffic = (async () => {
      for (; !isOver; sent += 1) {
        await send(busy, `busy ${sent + 1}`);
        if (sent % 7 === 0) await store(busy);
      }
    })();
    const until = async (count: number): Promise<void> => {
      while (sent < count) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await until(10);

    const ledger = await dumpPostgres();
    const sentBetween = sent;
    await until(sentBetween + 10);
    await store(owed); // its texts leave the outbox between the two dumps
    const later = await aConversation();
    await send(later, "PostgreSQL's dump does not know this conversation");
    await store(later);
    const dump = await dumpMessages();
    await until(sent + 5);
    isOver = true;
    await traffic;

    await wipe();
    expect(await documents().countDocuments({})).toBe(0);
    await documents().insertOne({
      conversation_id: stored,
      seq: 121,
      message_id: newMessageId(),
      author: 1,
      content: 'from a lost timeline',
      created_at: new Date(),
    });
    await ledger.restore();
    const first = await restoreMessages(dump);
    const again = await restoreMessages(dump);

    expect(first).toMatchObject({ unknown: 1, foreign: 0, ended: 0, lost: NOTHING_LOST });
    expect(first.beyond).toBeGreaterThan(0);
    expect(again).toEqual(first);
    expect(await texts(stored)).toEqual(Array.from({ length: 120 }, (_, n) => `stored ${n + 1}`));
    expect(await texts(owed)).toEqual(Array.from({ length: 5 }, (_, n) => `owed ${n + 1}`));
    const kept = await texts(busy);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, n) => `busy ${n + 1}`));
    expect(kept.length).toBeLessThanOrEqual(sentBetween + 1);
    expect(await documents().countDocuments({ conversation_id: busy })).toBeLessThanOrEqual(kept.length);
    await expect(texts(later)).rejects.toMatchObject({ code: 'conversation_not_found' });

    // What is owed is paid again, and the next messages take the places of the lost timeline.
    for (const id of [stored, owed, busy]) await send(id, 'after the restore');
    for (const id of [stored, owed, busy]) await Promise.all([store(id), process.get(FanOutMessages).run(id, signal)]);
    expect([(await texts(stored))[120], (await texts(owed))[5], (await texts(busy))[kept.length]]).toEqual(
      Array.from({ length: 3 }, () => 'after the restore'),
    );
    expect(await documents().countDocuments({ conversation_id: stored })).toBe(121);
    expect(
      await sql(stores.env.DATABASE_URL, `select 1 from edgechat.outbox where kind in ('store', 'fan_out')`),
    ).toEqual([]);
  });

  it('keeps a client key: a send repeated after the restore is the message that was restored', async () => {
    const id = await aConversation();
    const { id: messageId } = await send(id, 'once', 'key');
    const ledger = await dumpPostgres();
    const dump = await dumpMessages();
    await wipe();
    await ledger.restore();
    await restoreMessages(dump);

    expect(await send(id, 'once', 'key')).toMatchObject({ id: messageId, seq: 1, isReplay: true });
    expect(await texts(id)).toEqual(['once']);
  });

  it('deletes again what was deleted between the two dumps, and loses nothing of what was not', async () => {
    const [gone, kept] = [await aConversation(), await aConversation()];
    for (const id of [gone, kept]) {
      await send(id, 'text');
      await store(id);
    }
    const ledger = await dumpPostgres();
    await process.get(DeleteConversation).delete(gone, ada);
    await process.get(PurgeConversation).run(gone, signal);
    const dump = await dumpMessages();
    await wipe();
    await ledger.restore();
    expect(await process.get(ListConversations).find(ada, gone)).not.toBeNull();

    expect(await restoreMessages(dump)).toMatchObject({ kept: 1, ended: 1, lost: NOTHING_LOST });

    expect(await process.get(ListConversations).find(ada, gone)).toBeNull();
    expect(await texts(kept)).toEqual(['text']);
    expect(
      await sql(
        stores.env.DATABASE_URL,
        `select 1 from edgechat.outbox where conversation_id = $1 and kind = 'purge'`,
        [gone],
      ),
    ).toHaveLength(2);
    expect(await restoreMessages(dump)).toMatchObject({ ended: 0, lost: NOTHING_LOST });
  });
});

describe('a restore', () => {
  it('drops what the ledger does not have: unknown and deleted conversations, what is above the end, another message at the place', async () => {
    const [id, deleted] = [await aConversation(), await aConversation()];
    for (const one of [id, deleted]) await send(one, 'text');
    await store(id);
    const [head = '', first = '', second = '', ...rest] = await dumpMessages();
    const other = newMessageId();
    const [live = '', dead = ''] = first.includes(id) ? [first, second] : [second, first];
    const foreign = [
      live.replace('"seq":{"$numberInt":"1"}', '"seq":{"$numberInt":"2"}'),
      live.replaceAll(id, other),
      live.replace(/"message_id":"[^"]+"/, `"message_id":"${other}"`),
    ];
    await process.get(DeleteConversation).delete(deleted, ada);
    await wipe();

    const told = await restoreMessages([
      head,
      ...foreign,
      dead,
      live,
      ...rest.map((line) => line.replace('"messages":{"$numberInt":"2"}', '"messages":{"$numberInt":"5"}')),
    ]);

    expect(told).toEqual({ kept: 1, unknown: 2, beyond: 1, foreign: 1, ended: 0, lost: NOTHING_LOST });
    expect((await documents().find({}).toArray()).map(({ content, seq }) => ({ content, seq }))).toEqual([
      { content: 'text', seq: 1 },
    ]);
  });

  it('of a cut or damaged file restores what came before, says so, and can be repeated with the whole one', async () => {
    const id = await aConversation();
    for (let n = 1; n <= 205; n += 1) await send(id, `text ${n}`);
    await store(id);
    const dump = await dumpMessages();
    await wipe();

    await expect(restoreMessages(dump.slice(0, 150))).rejects.toThrow('cut after line 150');
    await expect(restoreMessages(dump.map((line, n) => (n === 180 ? line.slice(1) : line)))).rejects.toThrow(
      'Line 181',
    );
    expect(await documents().countDocuments({})).toBe(100);

    expect(await restoreMessages(dump)).toMatchObject({ kept: 205, lost: NOTHING_LOST });
    expect(await texts(id)).toHaveLength(205);
  });

  it('says which texts are in neither store', async () => {
    const id = await aConversation();
    for (let n = 1; n <= 30; n += 1) await send(id, `text ${n}`);
    await store(id);
    await andDie(() => send(id, 'in the outbox only'));
    await documents().deleteMany({ seq: { $gt: 12 } });
    const dump = await dumpMessages();
    await wipe();

    const { lost } = await restoreMessages(dump);

    expect(lost.count).toBe(18);
    expect(lost.first).toEqual(Array.from({ length: 10 }, (_, n) => ({ conversation_id: id, seq: 13 + n })));
  });

  it('from the dump of another system ends no conversation', async () => {
    const strangers = await dumpMessages();
    const id = await aConversation();
    await send(id, 'ours');

    expect(await restoreMessages(strangers)).toMatchObject({ kept: 0, ended: 0 });
    expect(await texts(id)).toEqual(['ours']);
  });
});

describe('a dump', () => {
  it('leaves out documents that are no messages, and goes past them', async () => {
    const id = await aConversation();
    await andDie(() => Promise.all(['one', 'two', 'three'].map((text) => send(id, text))));
    await documents().deleteMany({ seq: 2 });
    await documents().insertMany([
      { conversation_id: id, seq: 2, content: 'no message' },
      { conversation_id: id, seq: '3' },
      { conversation_id: 'a', seq: 1 },
      { some: 'thing' },
    ] as never[]);
    const progress = { messages: 0, foreign: 0 };

    const lines: string[] = [];
    for await (const some of process.get(DumpMessages).run(progress, signal)) lines.push(some);

    expect(progress).toEqual({ messages: 2, foreign: 1 });
    expect(await restoreMessages(lines.join('').trimEnd().split('\n'))).toMatchObject({ kept: 2, lost: NOTHING_LOST });
    await wipe();
    expect(await documents().countDocuments({})).toBe(0);
  });

  it('reads no further than it is asked to', async () => {
    const id = await aConversation();
    for (let n = 1; n <= 250; n += 1) await send(id, `text ${n}`);
    const progress = { messages: 0, foreign: 0 };
    const lines = process.get(DumpMessages).run(progress, signal);

    await lines.next();
    await lines.next();

    expect(progress.messages).toBe(100);
  });
});
