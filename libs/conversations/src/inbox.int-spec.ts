import { sql } from '@edgechat/testing';
import { ListConversations, type InboxStart } from './queries/list-conversations.js';
import { FanOutMessages } from './use-cases/fan-out-messages.js';
import { MarkRead } from './use-cases/mark-read.js';
import { account, accounts, People } from './test-people.js';

/** Members above which a conversation is large here. */
const WRITE_LIMIT = 5;

let people: People;
const [ada, bob] = [account(1), account(2)];
const { signal } = new AbortController();
const refused = (code: string) => expect.objectContaining({ code });

beforeAll(async () => {
  people = await People.start(WRITE_LIMIT);
}, 60_000);
afterAll(() => people.close());

describe('the inbox', () => {
  it('is in the order of the last messages, for the others from the delivery on, and counts what is unread', async () => {
    const [older, newer] = [await people.group(account(41), account(42)), await people.group(account(41), account(42))];
    await people.send(newer, account(41));
    await people.send(older, account(41));

    expect(await people.inbox(account(41))).toEqual([older, newer]);
    await people.process.get(FanOutMessages).run(newer, signal);
    await people.process.get(FanOutMessages).run(older, signal);

    expect(await people.inbox(account(42))).toEqual([older, newer]);
    expect(await people.process.get(ListConversations).find(account(42), older)).toMatchObject({
      readSeq: 0,
      lastSeq: 1,
      lastMessage: { content: 'hello', authorId: 41 },
    });
    expect(await people.process.get(MarkRead).upTo(older, account(42), Number.MAX_SAFE_INTEGER)).toEqual({
      readSeq: 1,
      unreadCount: 0,
    });
    expect(await people.process.get(MarkRead).upTo(older, account(42), 0)).toEqual({ readSeq: 1, unreadCount: 0 });
  });

  it('owes nothing for a message in a conversation of one, whose order the send itself wrote', async () => {
    const { id } = await people.make(account(45), 'assistant');

    await people.send(id, account(45));

    expect(
      await sql(
        people.stores.env.DATABASE_URL,
        'select kind from edgechat.outbox where conversation_id = $1 order by kind',
        [id],
      ),
    ).toEqual([{ kind: 'search' }, { kind: 'store' }]);
  });

  it('orders large groups among the others when it is read, page by page, and writes nothing for their messages', async () => {
    const me = account(51);
    const large = await people.group(me, ...accounts(60, WRITE_LIMIT));
    const grown = await people.group(me, account(52));
    await people.add(grown, me, ...accounts(60, WRITE_LIMIT));
    const small = await people.group(me, account(52));
    for (const id of [grown, small, large]) await people.send(id, me);

    expect(
      await sql(
        people.stores.env.DATABASE_URL,
        `select kind from edgechat.outbox where conversation_id = $1 and kind = 'fan_out'`,
        [large],
      ),
    ).toEqual([]);
    expect(await people.inbox(me)).toEqual([large, small, grown]);
    expect(await people.inbox(account(60))).toEqual([large, grown]);
    await people.remove(grown, me, account(60));
    expect(await people.inbox(account(60))).toEqual([large]);

    const paged: string[] = [];
    let start: InboxStart | null = { by: 'skip', skip: 0 };
    while (start !== null) {
      const { items, next }: Awaited<ReturnType<ListConversations['page']>> = await people.process
        .get(ListConversations)
        .page(me, 1, start);
      paged.push(...items.map(({ id }) => id));
      start = next && { by: 'place', ...next };
    }
    expect(paged).toEqual([large, small, grown]);
    expect(await people.inbox(me, { by: 'skip', skip: 2 })).toEqual([grown]);
    expect(await people.inbox(me, { by: 'skip', skip: 3 })).toEqual([]);
  });

  it('holds at most 500 large groups: one more is refused, however it would come', async () => {
    const [full, me] = [account(71), account(72)];
    await sql(
      people.stores.env.DATABASE_URL,
      `insert into edgechat.inbox select $1, gen_random_uuid(), '-infinity' from generate_series(1, 500)`,
      [full],
    );
    const others = accounts(80, WRITE_LIMIT - 1);

    await expect(people.make(me, 'group', [...others, full], 'one key')).rejects.toEqual(
      refused('too_many_large_groups'),
    );
    const nearly = await people.group(me, ...others);
    await expect(people.add(nearly, me, full)).rejects.toEqual(refused('too_many_large_groups'));
    await people.add(nearly, me, account(73));
    await expect(people.add(nearly, me, full)).rejects.toEqual(refused('too_many_large_groups'));
    const withFull = await people.group(full, ...others);
    await expect(people.add(withFull, full, me)).rejects.toEqual(refused('too_many_large_groups'));

    expect((await people.make(me, 'group', others, 'one key')).outcome).toBe('created');
    expect(await people.roles(nearly)).not.toHaveProperty('71');
  });
});

describe('a batch of sends', () => {
  it('in which one key comes twice is one message, and the later send its replay; with other content it is refused', async () => {
    const id = await people.group(ada, bob);

    const fates = await Promise.allSettled([
      people.send(id, ada, 'one', 'k'),
      people.send(id, ada, 'one', 'k'),
      people.send(id, bob, 'two', 'k'),
      people.send(id, ada, 'other', 'k'),
    ]);

    expect(
      fates.map((fate) =>
        fate.status === 'fulfilled' ? [fate.value.seq, fate.value.isReplay] : [(fate.reason as { code: string }).code],
      ),
    ).toEqual([[1, false], [1, true], [2, false], ['idempotency_key_reused']]);
  });

  it('of many members never waits in a circle with the deliveries', async () => {
    const members = accounts(101, 40);
    await sql(people.stores.env.DATABASE_URL, 'select pg_stat_reset()');
    const id = await people.group(ada);
    await sql(
      people.stores.env.DATABASE_URL,
      `insert into edgechat.members (conversation_id, account_id, role) select $1, n, 'member' from generate_series(101, 140) n`,
      [id],
    );
    await sql(people.stores.env.DATABASE_URL, `update edgechat.conversations set member_count = 41 where id = $1`, [
      id,
    ]);

    for (let round = 0; round < 10; round += 1) {
      await Promise.all([
        ...[...members].reverse().map((who) => people.send(id, who)),
        people.process.get(FanOutMessages).run(id, signal),
        people.process.get(FanOutMessages).run(id, signal),
      ]);
    }

    const [deadlocks] = await sql<{ deadlocks: string }>(
      people.stores.env.DATABASE_URL,
      'select deadlocks from pg_stat_database where datname = current_database()',
    );
    expect(Number(deadlocks?.deadlocks)).toBe(0);
  });
});
