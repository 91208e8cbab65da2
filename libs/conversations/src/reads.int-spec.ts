import { Unavailable, type AccountId, type ConversationId } from '@edgechat/kernel';
import { inProcess, sql, storeCallsOf } from '@edgechat/testing';
import { ConversationsModule } from './conversations.module.js';
import { ListConversations } from './queries/list-conversations.js';
import { ReadMessages, type MessagePlace } from './queries/read-messages.js';
import { StoreMessages } from './use-cases/store-messages.js';
import { account, People } from './test-people.js';

const [ada, bob] = [account(1), account(2)] as const;
const KIB = 1_024;
const MIB = KIB * KIB;

let people: People;

beforeAll(async () => {
  people = await People.start(10);
});
afterAll(() => people.close());

const reads = () => people.process.get(ReadMessages);
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const placesOf = (conversationId: ConversationId, seqs: readonly number[]): MessagePlace[] =>
  seqs.map((seq) => ({ conversationId, seq }));

/** A conversation of ada's with so many messages of so many bytes, three to a character; all of them in MongoDB. */
async function aConversation(messages: number, bytes: number): Promise<ConversationId> {
  const id = await people.group(ada);
  const text = '語'.repeat(Math.floor(bytes / 3)) + 'x'.repeat(bytes % 3);
  for (let sent = 0; sent < messages; sent += 20)
    await Promise.all(numbers(1, Math.min(20, messages - sent)).map(() => people.send(id, ada, text)));
  await people.process.get(StoreMessages).run(id, new AbortController().signal);
  return id;
}

/** As if a release had sent them that counted no bytes. */
const forgetBytes = (id: ConversationId): Promise<unknown> =>
  sql(people.stores.env.DATABASE_URL, 'update edgechat.messages set bytes = null where conversation_id = $1', [id]);

/** All pages from one end to the other, as a client gets them that goes on by `hasMore`. */
async function pagesOf(id: ConversationId, direction: 'before' | 'after', limit: number): Promise<number[][]> {
  const pages: number[][] = [];
  let from = direction === 'before' ? Number.MAX_SAFE_INTEGER : 0;
  for (let hasMore = true; hasMore;) {
    const page = await reads().page(id, ada, { direction, from, limit });
    const seqs = page.items.map(({ seq }) => seq);
    pages.push(seqs);
    from = seqs.at(direction === 'before' ? 0 : -1) ?? from;
    ({ hasMore } = page);
  }
  return pages;
}

describe('a page by before_seq or after_seq', () => {
  let long: ConversationId;
  beforeAll(async () => {
    long = await aConversation(300, 128 * KIB);
  });

  const goesBothWays = async (id: ConversationId, last: number): Promise<void> => {
    const [before, after] = [await pagesOf(id, 'before', 100), await pagesOf(id, 'after', 100)];

    expect(before.flat().sort((one, other) => one - other)).toEqual(numbers(1, last));
    expect(after.flat()).toEqual(numbers(1, last));
    for (const page of [...before, ...after]) expect(page.length).toBeLessThanOrEqual(8);
    expect(before[0]).toEqual(numbers(last - 7, last));
    expect(after[0]).toEqual(numbers(1, 8));
  };

  it('of long messages ends at 1 MiB, and who goes on by has_more sees 300 of them once, both ways', async () => {
    await goesBothWays(long, 300);
  });

  it('ends there, too, where a release before did not count the bytes', async () => {
    const old = await aConversation(30, 128 * KIB);
    await forgetBytes(old);

    await goesBothWays(old, 30);
  });

  it('by skip is never shorter than asked for', async () => {
    const page = await reads().page(long, ada, { direction: 'skip', from: 0, limit: 100 });

    expect(page.items.map(({ seq }) => seq)).toEqual(numbers(1, 100));
  });

  it('says how many bytes of text it has before it reads them, and reads nothing when they are too many', async () => {
    const sizes: number[] = [];
    const range = { direction: 'skip', from: 0, limit: 3 } as const;
    await reads().page(long, ada, range, (bytes) => void sizes.push(bytes));
    expect(sizes).toEqual([3 * 128 * KIB]);

    const calls = await storeCallsOf(() =>
      reads()
        .page(long, ada, range, () => {
          throw new Unavailable('sending');
        })
        .catch((error: unknown) => expect(error).toMatchObject({ dependency: 'sending' })),
    );
    expect(calls).toEqual(['postgres conversations.ledger_range']);
  });

  it('and a reader inside gets all that it asks for', async () => {
    expect((await reads().upTo(long, 150, 100)).map(({ seq }) => seq)).toEqual(numbers(51, 150));
    expect((await reads().upTo(long, 150, 100, 3 * 128 * KIB)).map(({ seq }) => seq)).toEqual(numbers(148, 150));
    expect((await reads().upTo(long, 150, 100, 1)).map(({ seq }) => seq)).toEqual([150]);
  });

  it('of short messages is as long as asked for, also where their bytes are not known; at the end has_more is false', async () => {
    const short = await aConversation(120, 12);
    const asked = () => reads().page(short, ada, { direction: 'after', from: 20, limit: 100 });

    expect((await asked()).items.map(({ seq }) => seq)).toEqual(numbers(21, 120));
    expect((await asked()).hasMore).toBe(false);
    await forgetBytes(short);
    expect((await asked()).items).toHaveLength(100);
    expect(await reads().page(short, ada, { direction: 'before', from: 1, limit: 5 })).toEqual({
      items: [],
      hasMore: false,
    });
  });

  it('has a message also where one is longer than a page', async () => {
    const huge = await aConversation(3, 2 * MIB);

    expect(await pagesOf(huge, 'before', 100)).toEqual([[3], [2], [1]]);
    await forgetBytes(huge);
    expect(await pagesOf(huge, 'after', 100)).toEqual([[1], [2], [3]]);
  });
});

describe('messages at places', () => {
  const seqsWithin = async (reader: AccountId, places: readonly MessagePlace[], maxBytes: number) => {
    const { messages, covered } = await reads().placesWithin(reader, places, maxBytes);
    return { seqs: messages.map(({ seq }) => seq), covered };
  };

  it('are read as far as they have so many bytes, in order, with those counted that are not there; one round trip to each store', async () => {
    const id = await aConversation(10, 100);
    const places = placesOf(id, [9, 99, 2, 7, 1, 98]);

    expect(await seqsWithin(ada, places, 250)).toEqual({ seqs: [9, 2], covered: 3 });
    expect(await seqsWithin(ada, places, 300)).toEqual({ seqs: [9, 2, 7], covered: 4 });
    expect(await seqsWithin(ada, places, 1)).toEqual({ seqs: [9], covered: 1 });
    expect(await seqsWithin(ada, places, 400)).toEqual({ seqs: [9, 2, 7, 1], covered: 6 });
    expect(await seqsWithin(ada, places, Infinity)).toEqual({ seqs: [9, 2, 7, 1], covered: 6 });
    expect(await seqsWithin(bob, places, 400)).toEqual({ seqs: [], covered: 6 });
    expect(await seqsWithin(ada, [], 400)).toEqual({ seqs: [], covered: 0 });
    expect(await storeCallsOf(() => reads().placesWithin(ada, places, 250))).toEqual([
      'postgres conversations.ledger_places',
      'mongo messages.list_places',
    ]);
    await forgetBytes(id);
    expect(await seqsWithin(ada, places, 250)).toEqual({ seqs: [9, 2], covered: 3 });
    expect(await seqsWithin(ada, places, 1)).toEqual({ seqs: [9], covered: 2 });
  });
});

describe('READS_MB', () => {
  it('of 0 lets nobody read, of unlimited everybody; what the outbox has is read all the same', async () => {
    const id = await aConversation(3, 10);
    const page = { direction: 'after', from: 0, limit: 10 } as const;
    const [none, all] = [
      await inProcess(people.stores, [ConversationsModule], { READS_MB: '0' }),
      await inProcess(people.stores, [ConversationsModule], { READS_MB: 'unlimited' }),
    ];

    await expect(none.get(ReadMessages).page(id, ada, page)).rejects.toThrow(Unavailable);
    await expect(none.get(ListConversations).find(ada, id)).rejects.toThrow(Unavailable);
    expect((await all.get(ReadMessages).page(id, ada, page)).items).toHaveLength(3);
    expect((await all.get(ListConversations).find(ada, id))?.lastSeq).toBe(3);
    await Promise.all([none.close(), all.close()]);
  });
});
