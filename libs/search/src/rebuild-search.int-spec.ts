import type { INestApplicationContext } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import {
  ConversationsModule,
  CreateConversation,
  DeleteConversation,
  prepareMessages,
  PurgeConversation,
  SendMessage,
  StoreMessages,
} from '@edgechat/conversations';
import { accountId, newReplyId, type ConversationId } from '@edgechat/kernel';
import { eventually, inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import type { Model } from 'mongoose';
import { SearchRebuildModule } from './search-rebuild.module.js';
import { SearchIndexModule } from './search.module.js';
import { IndexMessages } from './use-cases/index-messages.js';
import { RebuildSearch, type SearchProgress } from './use-cases/rebuild-search.js';

let stores: OwnStores;
let process: INestApplicationContext;
const ada = accountId(1);
const { signal } = new AbortController();
const STRANGER = '01900000-0000-7000-8000-0000000000aa';

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [ConversationsModule, SearchIndexModule, SearchRebuildModule]);
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await run(`insert into edgechat.accounts (id, email, email_key, password_hash) values (1, 'a', 'a', '')`);
});
afterAll(async () => {
  await process.close();
  await stores.close();
});
beforeEach(() =>
  run(
    'delete from edgechat.search_words; delete from edgechat.conversations; delete from edgechat.members; delete from edgechat.messages; delete from edgechat.outbox',
  ),
);

const get = <T>(type: abstract new (...args: never[]) => T): T => process.get(type, { strict: false });
const run = <Row extends object>(text: string, ...values: unknown[]): Promise<Row[]> =>
  sql(stores.env.DATABASE_URL, text, values);
const send = (conversationId: ConversationId, content: string) =>
  get(SendMessage).send({
    by: 'person',
    conversationId,
    authorId: ada,
    clientKey: null,
    content,
    replyId: newReplyId(),
    answerWithinMs: 1_000,
  });
async function aConversationOf(texts: readonly string[]): Promise<ConversationId> {
  const { id } = await get(CreateConversation).create({
    creator: ada,
    kind: 'group',
    title: null,
    assistant: 'off',
    memberIds: [],
    clientKey: null,
  });
  for (const content of texts) await send(id, content);
  await get(StoreMessages).run(id, signal);
  await get(IndexMessages).run(id, signal);
  return id;
}
const rows = (): Promise<object[]> =>
  run(
    'select conversation_id, seq, author, created_at, words from edgechat.search_words order by conversation_id, seq',
  );
async function rebuild(only: ConversationId | null = null, ending = signal): Promise<SearchProgress> {
  const progress: SearchProgress = { done: 0, total: 0, removed: 0, lost: 0 };
  await get(RebuildSearch).run(only, progress, ending);
  return progress;
}
const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `text ${n + 1} Äpfel 北京`);

describe('rebuild search', () => {
  it('indexes every message from its text, wherever that is, and removes rows of no message', async () => {
    const [stored, owed] = [await aConversationOf(numbered(120)), await aConversationOf(['one'])];
    await send(owed, 'still in the outbox');
    await get(IndexMessages).run(owed, signal);
    await eventually(async () => (await run('select 1 from edgechat.outbox')).length === 0);
    await run(
      `insert into edgechat.outbox (conversation_id, seq, kind, content, next_at) values ($1, 2, 'store', 'still in the outbox', now())`,
      owed,
    );
    await process
      .get<Model<unknown>>(getModelToken('messages'), { strict: false })
      .collection.deleteOne({ conversation_id: owed, seq: 2 });
    const before = await rows();
    await run(
      `update edgechat.search_words set words = '''nonsense''', author = 9 where conversation_id = $1 and seq > 50`,
      stored,
    );
    await run('delete from edgechat.search_words where seq in (1, 2, 101)');
    await run(
      `insert into edgechat.search_words select x.id, 999, 1, now(), '' from unnest(array[$1::uuid, $2::uuid]) x(id)`,
      stored,
      STRANGER,
    );
    await run(
      `insert into edgechat.search_index select conversation_id, seq, author, created_at, '' from edgechat.messages`,
    );

    expect(await rebuild()).toEqual({ done: 122, total: 122, removed: 2, lost: 0 });

    expect(before).toHaveLength(122);
    expect(await rows()).toEqual(before);
    expect(await run('select 1 from edgechat.search_index')).toEqual([]);
  });

  it('of one conversation leaves the others alone', async () => {
    const [one, other] = [await aConversationOf(['one']), await aConversationOf(['two'])];
    await run('delete from edgechat.search_words');

    expect(await rebuild(one)).toMatchObject({ done: 1, total: 1 });

    expect(await rows()).toEqual([expect.objectContaining({ conversation_id: one })]);
    expect(other).not.toBe(one);
  });

  it('counts the texts that are in neither store, and indexes the others', async () => {
    const id = await aConversationOf(numbered(5));
    await run('delete from edgechat.search_words');
    await process
      .get<Model<unknown>>(getModelToken('messages'), { strict: false })
      .collection.deleteOne({ conversation_id: id, seq: 2 });

    expect(await rebuild()).toMatchObject({ done: 5, lost: 1 });

    expect(await rows()).toHaveLength(4);
  });

  it('can be ended in the middle and given again', async () => {
    for (let n = 0; n < 8; n += 1) await aConversationOf(numbered(30));
    const before = await rows();
    await run('delete from edgechat.search_words');
    const ending = new AbortController();
    const progress: SearchProgress = { done: 0, total: 0, removed: 0, lost: 0 };
    const ended = get(RebuildSearch).run(
      null,
      {
        ...progress,
        set done(_: number) {
          ending.abort(new Error('Ctrl-C'));
        },
        get done() {
          return 0;
        },
      },
      ending.signal,
    );

    await expect(ended).rejects.toThrow('Ctrl-C');
    expect((await rows()).length).toBeLessThan(before.length);

    await rebuild();
    expect(await rows()).toEqual(before);
  });

  it('leaves no row of a conversation that is deleted meanwhile', async () => {
    const ids = [
      await aConversationOf(numbered(150)),
      await aConversationOf(numbered(150)),
      await aConversationOf(numbered(150)),
    ];
    const remove = async (id: ConversationId): Promise<void> => {
      await get(DeleteConversation).delete(id, ada);
      await get(PurgeConversation).run(id, signal);
    };

    const [told] = await Promise.all([rebuild(), ...ids.map(remove)]);

    expect(told.lost).toBe(0);
    expect(await rows()).toEqual([]);
  });
});
