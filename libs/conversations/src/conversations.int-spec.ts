import type { INestApplicationContext } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import { accountId, newReplyId, Refusal, Unavailable, type ConversationId } from '@edgechat/kernel';
import { eventually, inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import type { Model } from 'mongoose';
import pg from 'pg';
import { ConversationsModule } from './conversations.module.js';
import { MESSAGES, type MessageDocument } from './persistence/message-documents.js';
import { prepareMessages } from './persistence/prepare-messages.js';
import { ListConversations } from './queries/list-conversations.js';
import { ReadMessages } from './queries/read-messages.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { FanOutMessages } from './use-cases/fan-out-messages.js';
import { PurgeConversation } from './use-cases/purge-conversation.js';
import { SendMessage } from './use-cases/send-message.js';
import { StoreMessages } from './use-cases/store-messages.js';
import { StoredTexts } from './use-cases/stored-texts.js';

let stores: OwnStores;
let process: INestApplicationContext;
const ada = accountId(1);
const bob = accountId(2);
const { signal } = new AbortController();

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [ConversationsModule]);
  await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.accounts (id, email, email_key, password_hash) values (1, 'a', 'a', ''), (2, 'b', 'b', '')`,
  );
});
afterAll(async () => {
  await process.close();
  await stores.close();
});

const aConversation = async (): Promise<ConversationId> =>
  (
    await process
      .get(CreateConversation)
      .create({ creator: ada, kind: 'assistant', title: null, assistant: 'off', memberIds: [], clientKey: null })
  ).id;
const send = (conversationId: ConversationId, content: string, authorId = ada, clientKey: string | null = null) =>
  process
    .get(SendMessage)
    .send({ by: 'person', conversationId, authorId, clientKey, content, replyId: newReplyId(), answerWithinMs: 1_000 });
/** As if the process that sends died right afterwards: it does not tell any more that MongoDB has the text, which stays owed. */
async function sendAndDie(conversationId: ConversationId, content: string): Promise<void> {
  const stored = process.get(StoredTexts);
  stored.add = () => undefined;
  await send(conversationId, content).finally(() => Reflect.deleteProperty(stored, 'add'));
}
const page = (id: ConversationId, reader = ada) =>
  process.get(ReadMessages).page(id, reader, { direction: 'skip', from: 0, limit: 100 });
const documents = () => process.get<Model<MessageDocument>>(getModelToken(MESSAGES), { strict: false }).collection;
const rowsIn = async (table: string, id: string): Promise<number> =>
  Number(
    (
      await sql<{ n: string }>(
        stores.env.DATABASE_URL,
        `select count(*) as n from edgechat.${table} where conversation_id = $1`,
        [id],
      )
    )[0]?.n,
  );

/** Instants are kept to the millisecond: what is to come later must not happen in the same one. (Those of the inbox are rounded, so the next but one.) */
async function laterInstant(): Promise<void> {
  const now = Date.now();
  await eventually(() => Date.now() > now + 1, { everyMs: 1 });
}

describe('a non-member', () => {
  it('may not send, read or delete: to them the conversation is not there, whatever key they bring', async () => {
    const id = await aConversation();
    await send(id, 'mine', ada, 'key');

    await expect(send(id, 'mine', bob, 'key')).rejects.toMatchObject({ code: 'conversation_not_found' });
    await expect(page(id, bob)).rejects.toMatchObject({ code: 'conversation_not_found' });
    await expect(process.get(DeleteConversation).delete(id, bob)).rejects.toMatchObject({
      code: 'conversation_not_found',
    });
    expect(await process.get(ListConversations).find(bob, id)).toBeNull();
    expect((await page(id)).items).toHaveLength(1);
  });

  it('does not make the sends of others in the same batch fail', async () => {
    const id = await aConversation();

    const fates = await Promise.allSettled([send(id, 'one'), send(id, 'two', bob), send(id, 'three')]);

    expect(fates.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await page(id)).items.map(({ content }) => content)).toEqual(['one', 'three']);
  });
});

describe('a batch of sends', () => {
  it('in which one cannot be written is tried one by one, so that it fails alone', async () => {
    const id = await aConversation();

    const fates = await Promise.allSettled([send(id, 'before'), send(id, 'no store keeps \0'), send(id, 'after')]);

    expect(fates.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await page(id)).items.map(({ content }) => content)).toEqual(['before', 'after']);
  });

  it('that loses a deadlock is tried again at once', async () => {
    const [lower = '', higher = ''] = [await aConversation(), await aConversation()].sort();
    const rival = new pg.Client(stores.env.DATABASE_URL);
    await rival.connect();
    const lock = (id: string): Promise<unknown> =>
      rival.query('select 1 from edgechat.conversations where id = $1 for update', [id]);
    await rival.query('begin');
    await lock(higher);

    // The batch has the lower one and waits for the higher; who waits first is the first to look for a deadlock, and gives way.
    const sends = Promise.all([lower, higher].map((id) => send(id as ConversationId, 'despite a deadlock')));
    await eventually(
      async () =>
        (
          await sql(
            stores.env.DATABASE_URL,
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%send_messages%' and datname = current_database()`,
          )
        ).length === 1,
    );
    await lock(lower);
    await rival.query('commit');
    await rival.end();

    expect((await sends).map(({ seq }) => seq)).toEqual([1, 1]);
  });
});

describe('a conversation that somebody holds locked', () => {
  it('holds up its own sends only, and they go once it is free', async () => {
    const [held, free] = [await aConversation(), await aConversation()];
    const rival = new pg.Client(stores.env.DATABASE_URL);
    await rival.connect();
    await rival.query('begin');
    await rival.query('select 1 from edgechat.conversations where id = $1 for update', [held]);
    let heldIsThrough = false;
    const waiting = Array.from({ length: 10 }, (_, n) => send(held, `waits ${n}`).then(() => (heldIsThrough = true)));
    await eventually(
      async () =>
        (
          await sql(
            stores.env.DATABASE_URL,
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%send_messages%' and datname = current_database()`,
          )
        ).length === 1,
    );

    await Promise.all(Array.from({ length: 10 }, (_, n) => send(free, `passes ${n}`)));
    expect(heldIsThrough).toBe(false);
    await rival.query('commit');
    await rival.end();

    await Promise.all(waiting);
    expect((await page(held)).items.map(({ content }) => content)).toEqual(
      Array.from({ length: 10 }, (_, n) => `waits ${n}`),
    );
  });
});

describe('the ledger wins', () => {
  it("over a foreign document at a message's place, which the next store replaces", async () => {
    const id = await aConversation();
    await documents().insertOne({
      conversation_id: id,
      seq: 1,
      message_id: 'foreign',
      author: 9,
      content: 'from a lost timeline',
      created_at: new Date(),
    });

    await send(id, 'the truth');

    expect((await page(id)).items.map(({ content }) => content)).toEqual(['the truth']);
    expect(await documents().countDocuments({ conversation_id: id })).toBe(1);
  });

  it('and a document beyond its end is not shown', async () => {
    const id = await aConversation();
    await send(id, 'first');
    await documents().insertOne({
      conversation_id: id,
      seq: 2,
      message_id: 'foreign',
      author: 9,
      content: 'nobody sent this',
      created_at: new Date(),
    });

    expect((await page(id)).items.map(({ content }) => content)).toEqual(['first']);
  });

  it('and a page whose text is in neither store is refused instead of shown with a hole', async () => {
    const id = await aConversation();
    await sendAndDie(id, 'lost');
    await process.get(StoreMessages).run(id, signal);
    await documents().deleteMany({ conversation_id: id });

    await expect(page(id)).rejects.toThrow(Unavailable);
  });
});

describe('a text', () => {
  it('is read from the outbox while MongoDB does not have it, and the worker brings it there', async () => {
    const id = await aConversation();
    await sendAndDie(id, 'owed');
    await documents().deleteMany({ conversation_id: id });

    expect((await page(id)).items.map(({ content }) => content)).toEqual(['owed']);
    await process.get(StoreMessages).run(id, signal);

    expect(await documents().countDocuments({ conversation_id: id, seq: 1, content: 'owed' })).toBe(1);
    expect((await page(id)).items.map(({ content }) => content)).toEqual(['owed']);
  });

  it('is kept to the code point: blanks, line ends, control characters, nothing normalized', async () => {
    const id = await aConversation();
    const texts = [
      '  \r\n\t\u0001\u007f ',
      'e\u0301 ≠ é',
      '\u202eright to left\u202c',
      '𝕏'.repeat(1_000),
      '\ufeff',
      "'; drop table edgechat.messages; --",
      '{"$gt":""}',
    ];
    for (const text of texts) await send(id, text);
    await process.get(StoreMessages).run(id, signal);

    expect((await page(id)).items.map(({ content }) => content)).toEqual(texts);
  });
});

describe('an inbox', () => {
  it('is ordered by the newest message, is never moved back, and pages exactly', async () => {
    const oldest = await aConversation();
    await laterInstant();
    const middle = await aConversation();
    await laterInstant();
    const newest = await aConversation();
    await laterInstant();
    await send(oldest, 'newest');
    for (const id of [oldest, middle, newest]) await process.get(FanOutMessages).run(id, signal);
    const list = process.get(ListConversations);

    const first = await list.page(ada, 1, { by: 'skip', skip: 0 });
    const next = first.next && (await list.page(ada, 2, { by: 'place', ...first.next }));

    expect(first.items.map(({ id }) => id)).toEqual([oldest]);
    expect(first.items[0]?.lastMessage?.content).toBe('newest');
    expect(next?.items.map(({ id }) => id)).toEqual([newest, middle]);
  });
});

describe('a deleted conversation', () => {
  it('is gone for everybody at once, refuses the send that waited for it, and is purged from both stores', async () => {
    const id = await aConversation();
    await send(id, 'soon gone');
    const sends = Array.from({ length: 5 }, (_, n) => send(id, `late ${n}`).catch((error: unknown) => error));

    await process.get(DeleteConversation).delete(id, ada);
    const fates = await Promise.all(sends);

    await expect(page(id)).rejects.toThrow(Refusal);
    await expect(send(id, 'later')).rejects.toMatchObject({ code: 'conversation_not_found' });
    expect(fates.every((fate) => !(fate instanceof Error) || fate instanceof Refusal)).toBe(true);
    expect(await process.get(ListConversations).find(ada, id)).toBeNull();

    await process.get(PurgeConversation).run(id, signal);
    expect([
      await rowsIn('messages', id),
      await rowsIn('members', id),
      await rowsIn('inbox', id),
      await documents().countDocuments({ conversation_id: id }),
    ]).toEqual([0, 0, 0, 0]);
    expect(await rowsIn('outbox', id)).toBe(1);
  });

  it('is purged once more when no write from before can still arrive, and then forgotten', async () => {
    const id = await aConversation();
    await process.get(DeleteConversation).delete(id, ada);
    await process.get(PurgeConversation).run(id, signal);
    await documents().insertOne({
      conversation_id: id,
      seq: 1,
      message_id: 'late',
      author: 1,
      content: 'a write that hung',
      created_at: new Date(),
    });
    await sql(
      stores.env.DATABASE_URL,
      `update edgechat.outbox set next_at = clock_timestamp() where conversation_id = $1`,
      [id],
    );

    await process.get(PurgeConversation).run(id, signal);

    expect([await documents().countDocuments({ conversation_id: id }), await rowsIn('outbox', id)]).toEqual([0, 0]);
    expect(await sql(stores.env.DATABASE_URL, 'select 1 from edgechat.conversations where id = $1', [id])).toEqual([]);
  });
});
