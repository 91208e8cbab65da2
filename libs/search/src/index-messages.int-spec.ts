import type { INestApplicationContext } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import { ConversationsModule, CreateConversation, prepareMessages, SendMessage, StoreMessages } from '@edgechat/conversations';
import { accountId, newReplyId, type ConversationId } from '@edgechat/kernel';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import type { Model } from 'mongoose';
import { SearchModule } from './search.module.js';
import { IndexMessages } from './use-cases/index-messages.js';

let stores: OwnStores;
let process: INestApplicationContext;
const ada = accountId(1);
const { signal } = new AbortController();

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [ConversationsModule, SearchModule]);
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await sql(stores.env.DATABASE_URL, `insert into edgechat.accounts (email, email_key, password_hash) values ('a', 'a', '')`);
});
afterAll(async () => {
  await process.close();
  await stores.close();
});

const get = <T>(type: abstract new (...args: never[]) => T): T => process.get(type, { strict: false });
async function aConversationOf(texts: readonly string[]): Promise<ConversationId> {
  const { id } = await get(CreateConversation).create({ creator: ada, title: null, assistant: 'off', clientKey: null });
  for (const content of texts) await get(SendMessage).send({ by: 'person', conversationId: id, authorId: ada, clientKey: null, content, replyId: newReplyId(), answerWithinMs: 1_000 });
  return id;
}
// (The driver of this process gives whole numbers as numbers.)
const indexed = async (id: string): Promise<{ seq: number; words: string }[]> => sql(stores.env.DATABASE_URL, 'select seq, words from edgechat.search_index where conversation_id = $1 order by seq', [id]);
const owed = async (id: string): Promise<{ seq: number }[]> => sql(stores.env.DATABASE_URL, `select seq from edgechat.outbox where conversation_id = $1 and kind = 'index' order by seq`, [id]);

describe('the search index', () => {
  it('has the words of each message, whether its text is still owed to MongoDB or not', async () => {
    const id = await aConversationOf(['Über Äpfel', '北京大学']);
    await get(IndexMessages).run(id, signal);
    await get(StoreMessages).run(id, signal);

    expect(await indexed(id)).toEqual([{ seq: 1, words: "'apfel' 'uber'" }, { seq: 2, words: "'京' '京大' '北' '北京' '大' '大学' '学'" }]);
    expect(await owed(id)).toEqual([]);
  });

  it('takes a backlog of the longest messages there are', async () => {
    const id = await aConversationOf(Array.from({ length: 60 }, (_, n) => Array.from({ length: 32_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * (n + 7)) % 15_000))).join('')));

    await get(IndexMessages).run(id, signal);

    expect(await indexed(id)).toHaveLength(60);
    expect(await owed(id)).toEqual([]);
  });

  it('misses only the message whose text is lost, and goes on owing it', async () => {
    const id = await aConversationOf(['before', 'lost', 'after']);
    await get(StoreMessages).run(id, signal);
    await process.get<Model<unknown>>(getModelToken('messages'), { strict: false }).collection.deleteOne({ conversation_id: id, seq: 2 });

    await get(IndexMessages).run(id, signal);

    expect((await indexed(id)).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(await owed(id)).toEqual([{ seq: 2 }]);
  });

  it('gets no row of a conversation that was deleted meanwhile', async () => {
    const id = await aConversationOf(['gone']);
    await sql(stores.env.DATABASE_URL, 'update edgechat.conversations set deleted_at = clock_timestamp() where id = $1', [id]);

    await get(IndexMessages).run(id, signal);

    expect([await indexed(id), await owed(id)]).toEqual([[], []]);
  });
});
