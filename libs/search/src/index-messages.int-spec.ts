import type { INestApplicationContext } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import {
  ConversationsModule,
  CreateConversation,
  prepareMessages,
  SendMessage,
  StoreMessages,
} from '@edgechat/conversations';
import { accountId, newReplyId, type ConversationId } from '@edgechat/kernel';
import { eventually, inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import type { Model } from 'mongoose';
import pg from 'pg';
import { SearchIndexModule } from './search.module.js';
import { IndexMessages } from './use-cases/index-messages.js';

let stores: OwnStores;
let process: INestApplicationContext;
const ada = accountId(1);
const { signal } = new AbortController();

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [ConversationsModule, SearchIndexModule]);
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.accounts (id, email, email_key, password_hash) values (1, 'a', 'a', '')`,
  );
});
afterAll(async () => {
  await process.close();
  await stores.close();
});

const get = <T>(type: abstract new (...args: never[]) => T): T => process.get(type, { strict: false });
async function aConversationOf(texts: readonly string[]): Promise<ConversationId> {
  const { id } = await get(CreateConversation).create({
    creator: ada,
    kind: 'assistant',
    title: null,
    assistant: 'off',
    memberIds: [],
    clientKey: null,
  });
  for (const content of texts)
    await get(SendMessage).send({
      by: 'person',
      conversationId: id,
      authorId: ada,
      clientKey: null,
      content,
      replyId: newReplyId(),
      answerWithinMs: 1_000,
    });
  return id;
}
// (The driver of this process gives whole numbers as numbers.)
const indexed = async (id: string): Promise<{ seq: number; words: string }[]> =>
  sql(stores.env.DATABASE_URL, 'select seq, words from edgechat.search_words where conversation_id = $1 order by seq', [
    id,
  ]);
const owed = async (id: string): Promise<{ seq: number }[]> =>
  sql(
    stores.env.DATABASE_URL,
    `select seq from edgechat.outbox where conversation_id = $1 and kind = 'search' order by seq`,
    [id],
  );

describe('the search index', () => {
  it('has the words of each message, whether its text is still owed to MongoDB or not', async () => {
    const id = await aConversationOf(['Über Äpfel', '北京大学']);
    await get(IndexMessages).run(id, signal);
    await get(StoreMessages).run(id, signal);

    const prefix = `${id.slice(-8)}0.`;
    expect(await indexed(id)).toEqual([
      { seq: 1, words: `'${prefix}apfel':2 '${prefix}uber':1` },
      { seq: 2, words: `'${prefix}京大':2 '${prefix}北京':1 '${prefix}大学':3 '${prefix}学':4` },
    ]);
    expect(await owed(id)).toEqual([]);
  });

  it('takes a backlog of the longest messages there are', async () => {
    const id = await aConversationOf(
      Array.from({ length: 60 }, (_, n) =>
        Array.from({ length: 32_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * (n + 7)) % 15_000))).join(''),
      ),
    );

    await eventually(
      async () => {
        await get(IndexMessages).run(id, signal);
        return (await owed(id)).length === 0;
      },
      { withinMs: 60_000 },
    );

    expect(await indexed(id)).toHaveLength(60);
  }, 90_000);

  it('misses only the message whose text is lost, and goes on owing it', async () => {
    const id = await aConversationOf(['before', 'lost', 'after']);
    await get(StoreMessages).run(id, signal);
    // A debt as a migration or a rebuild writes it: without its text.
    await sql(stores.env.DATABASE_URL, 'update edgechat.outbox set content = null where conversation_id = $1', [id]);
    await process
      .get<Model<unknown>>(getModelToken('messages'), { strict: false })
      .collection.deleteOne({ conversation_id: id, seq: 2 });

    await get(IndexMessages).run(id, signal);

    expect((await indexed(id)).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(await owed(id)).toEqual([{ seq: 2 }]);
  });

  it('is written anew for a range, whatever is owed, and a row that is right is not touched', async () => {
    const id = await aConversationOf(['one', 'two', 'three']);
    await get(IndexMessages).run(id, signal);
    await sql(stores.env.DATABASE_URL, `delete from edgechat.search_words where conversation_id = $1 and seq = 2`, [
      id,
    ]);
    await sql(
      stores.env.DATABASE_URL,
      `update edgechat.search_words set words = '' where conversation_id = $1 and seq = 3`,
      [id],
    );
    const versions = () =>
      sql<{ seq: number; xmin: string }>(
        stores.env.DATABASE_URL,
        'select seq, xmin from edgechat.search_words where conversation_id = $1 order by seq',
        [id],
      );
    const [first] = await versions();

    expect(await get(IndexMessages).reindex(id, 2, 101)).toBe(2);
    expect(await get(IndexMessages).reindex(id, 1, 100)).toBe(3);

    expect((await indexed(id)).map(({ words }) => words.replace(/.*\./, ''))).toEqual(["one':1", "two':1", "three':1"]);
    expect((await versions())[0]).toEqual(first);
  });

  it('waits for a deletion under way, and then gets no row', async () => {
    const id = await aConversationOf(['gone']);
    const deleter = new pg.Client(stores.env.DATABASE_URL);
    await deleter.connect();
    await deleter.query('begin');
    await deleter.query('select from edgechat.conversations where id = $1 for update', [id]);
    await deleter.query('update edgechat.conversations set deleted_at = clock_timestamp() where id = $1', [id]);
    const running = get(IndexMessages).run(id, signal);
    await eventually(
      async () =>
        (
          await sql(
            stores.env.DATABASE_URL,
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%for key share%' and datname = current_database()`,
          )
        ).length === 1,
    );

    await deleter.query('commit');
    await deleter.end();
    await running;

    expect([await indexed(id), await owed(id)]).toEqual([[], []]);
  });

  it('gets no row of a conversation that was deleted meanwhile', async () => {
    const id = await aConversationOf(['gone']);
    await sql(
      stores.env.DATABASE_URL,
      'update edgechat.conversations set deleted_at = clock_timestamp() where id = $1',
      [id],
    );

    await get(IndexMessages).run(id, signal);

    expect([await indexed(id), await owed(id)]).toEqual([[], []]);
  });
});
