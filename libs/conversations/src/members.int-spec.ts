import { eventually, sql } from '@edgechat/testing';
import pg from 'pg';
import { ListConversations } from './queries/list-conversations.js';
import { ListMembers } from './queries/list-members.js';
import { ReadMessages } from './queries/read-messages.js';
import { ChangeConversation } from './use-cases/change-conversation.js';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { FanOutMessages } from './use-cases/fan-out-messages.js';
import { MarkRead } from './use-cases/mark-read.js';
import { account, accounts, People } from './test-people.js';
import type { AccountId } from '@edgechat/kernel';

let people: People;
const [ada, bob, cyd, dan] = [account(1), account(2), account(3), account(4)];
const { signal } = new AbortController();
const refused = (code: string) => expect.objectContaining({ code });

beforeAll(async () => {
  people = await People.start(500);
}, 60_000);
afterAll(() => people.close());

/** A transaction of a rival, in the middle. */
async function aRival(statement: string, values: readonly unknown[]): Promise<pg.Client> {
  const rival = new pg.Client(people.stores.env.DATABASE_URL);
  await rival.connect();
  await rival.query('begin');
  await rival.query(statement, [...values]);
  return rival;
}

describe('a direct conversation', () => {
  it('is one per pair, whoever of the two asks and however many at once', async () => {
    const asks = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        n % 2 ? people.make(ada, 'direct', [bob]) : people.make(bob, 'direct', [ada, bob]),
      ),
    );

    expect(new Set(asks.map(({ id }) => id)).size).toBe(1);
    expect(asks.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
    expect((await people.make(bob, 'direct', [ada], 'a key')).outcome).toBe('found');
    expect((await people.make(bob, 'direct', [ada], 'a key')).outcome).toBe('replayed');
    expect(await people.inbox(bob)).toContain(asks[0]?.id);
  });

  it('takes exactly one other, who exists', async () => {
    for (const members of [[], [ada], [bob, cyd]])
      await expect(people.make(ada, 'direct', members)).rejects.toEqual(refused('direct_needs_one_other'));
    await expect(people.make(ada, 'direct', [account(999_999)])).rejects.toMatchObject({
      code: 'unknown_account',
      options: { errors: [{ field: '/member_ids' }] },
    });
  });

  it('is left by nobody, takes in nobody, and ends for both when either deletes it; then there can be a new one', async () => {
    const { id } = await people.make(cyd, 'direct', [dan]);

    await expect(people.remove(id, cyd, cyd)).rejects.toEqual(refused('direct_stays'));
    await expect(people.remove(id, cyd, dan)).rejects.toEqual(refused('groups_only'));
    await expect(people.add(id, cyd, ada)).rejects.toEqual(refused('groups_only'));
    await people.process.get(DeleteConversation).delete(id, dan);

    expect(await people.process.get(ListConversations).find(cyd, id)).toBeNull();
    const again = await people.make(dan, 'direct', [cyd]);
    expect(again.outcome).toBe('created');
    expect((await people.make(cyd, 'direct', [dan])).id).toBe(again.id);
  });

  it('is made anew where the release before deleted the old one and knew of no pairs', async () => {
    const { id } = await people.make(account(21), 'direct', [account(22)]);
    await people.process.get(DeleteConversation).delete(id, account(21));
    await sql(people.stores.env.DATABASE_URL, 'insert into edgechat.direct_pairs values (21, 22, $1)', [id]);

    const again = await people.make(account(22), 'direct', [account(21)]);

    expect(again).toMatchObject({ outcome: 'created' });
    expect(await people.make(account(21), 'direct', [account(22)])).toEqual({ id: again.id, outcome: 'found' });
  });

  it('is one of both or none, while it is made and deleted at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await people.make(account(31), 'direct', [account(32)]);
      await Promise.all([
        people.process.get(DeleteConversation).delete(id, account(31)),
        people.make(account(32), 'direct', [account(31)]),
        people.make(account(31), 'direct', [account(32)]),
      ]);
    }

    const left = (await people.make(account(31), 'direct', [account(32)])).id;
    expect([await people.inbox(account(31)), await people.inbox(account(32))]).toEqual([[left], [left]]);
  });
});

describe('a group', () => {
  it('may have its creator alone; naming the creator, or one twice, changes nothing; an unknown account is refused and nothing is made', async () => {
    expect(await people.roles(await people.group(ada))).toEqual({ 1: 'owner' });
    expect(await people.roles(await people.group(ada, bob, ada, bob))).toEqual({ 1: 'owner', 2: 'member' });
    const before = await people.inbox(ada);

    await expect(people.make(ada, 'group', [bob, account(999_999)], 'k')).rejects.toMatchObject({
      code: 'unknown_account',
      options: { errors: [{ field: '/member_ids' }] },
    });
    await expect(people.make(ada, 'assistant', [bob])).rejects.toEqual(refused('assistant_takes_no_members'));

    expect(await people.inbox(ada)).toEqual(before);
    expect((await people.make(ada, 'group', [bob], 'k')).outcome).toBe('created');
  });

  it('shows itself to who joins, all read, with the whole history; adding again changes nothing', async () => {
    const id = await people.group(ada);
    await people.send(id, ada, 'from before');

    const added = await people.add(id, ada, cyd, bob, cyd);
    await people.give(id, ada, bob, 'admin');
    await people.add(id, bob, bob, dan);

    expect(added.map(({ accountId: who, role }) => [who, role])).toEqual([
      [2, 'member'],
      [3, 'member'],
    ]);
    expect(await people.roles(id)).toEqual({ 1: 'owner', 2: 'admin', 3: 'member', 4: 'member' });
    expect(await people.process.get(ListConversations).find(cyd, id)).toMatchObject({
      readSeq: 1,
      lastSeq: 1,
      memberCount: 4,
      myRole: 'member',
    });
    expect((await people.messages(id, dan)).map(({ content }) => content)).toEqual(['from before']);
    expect(await people.inbox(dan)).toContain(id);
  });

  it('lets each role do what the table says, and nothing more', async () => {
    const id = await people.group(ada, bob, cyd, dan);
    await people.give(id, ada, bob, 'admin');
    const change = (caller: AccountId) =>
      people.process.get(ChangeConversation).change(id, caller, { title: `by ${caller}` });

    await change(bob);
    await expect(change(cyd)).rejects.toEqual(refused('not_allowed'));
    await expect(people.add(id, cyd, account(5))).rejects.toEqual(refused('not_allowed'));
    await expect(people.give(id, bob, cyd, 'admin')).rejects.toEqual(refused('not_allowed'));
    await expect(people.remove(id, cyd, dan)).rejects.toEqual(refused('not_allowed'));
    await expect(people.remove(id, bob, ada)).rejects.toEqual(refused('owner_not_removable'));
    await expect(people.remove(id, bob, account(5))).rejects.toEqual(refused('member_not_found'));
    await expect(people.process.get(DeleteConversation).delete(id, bob)).rejects.toEqual(refused('not_allowed'));
    await people.give(id, ada, cyd, 'admin');
    await expect(people.remove(id, bob, cyd)).rejects.toEqual(refused('not_allowed'));
    await people.remove(id, bob, dan);
    await people.remove(id, ada, cyd);

    expect(await people.roles(id)).toEqual({ 1: 'owner', 2: 'admin' });
    expect(await people.process.get(ListConversations).find(ada, id)).toMatchObject({ title: 'by 2', memberCount: 2 });
  });

  it('takes no role from who is no member, and ownership is given, never laid down', async () => {
    const id = await people.group(ada, bob);

    await expect(people.give(id, ada, cyd, 'admin')).rejects.toEqual(refused('member_not_found'));
    await expect(people.give(id, ada, ada, 'member')).rejects.toEqual(refused('owner_must_stay'));
    expect(await people.give(id, ada, ada, 'owner')).toMatchObject({ role: 'owner' });
    expect(await people.give(id, ada, bob, 'owner')).toMatchObject({ accountId: bob, role: 'owner' });

    expect(await people.roles(id)).toEqual({ 1: 'admin', 2: 'owner' });
  });

  it('whose owner leaves is owned by the longest-standing admin, else member; when the last leaves it is gone', async () => {
    const id = await people.group(ada);
    for (const who of [bob, cyd, dan]) await people.add(id, ada, who);
    await people.give(id, ada, dan, 'admin');

    await people.remove(id, ada, ada);
    expect(await people.roles(id)).toEqual({ 2: 'member', 3: 'member', 4: 'owner' });
    await people.remove(id, dan, dan);
    expect(await people.roles(id)).toEqual({ 2: 'owner', 3: 'member' });
    await Promise.all([people.remove(id, bob, bob), people.remove(id, cyd, cyd)]);

    expect(
      await sql(
        people.stores.env.DATABASE_URL,
        'select deleted_at is not null as gone from edgechat.conversations where id = $1',
        [id],
      ),
    ).toEqual([{ gone: true }]);
    expect(await people.inbox(cyd)).not.toContain(id);
  });

  it('has one owner and the right count of members after any mix of changes at once', async () => {
    const id = await people.group(ada, bob, cyd, dan);
    const everybody = [ada, bob, cyd, dan, account(6), account(7)];
    const seed = Date.now() % 1_000_000;
    let state = seed;
    const pick = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    const one = (): AccountId => everybody[pick(everybody.length)] ?? ada;
    const change = (): Promise<unknown> =>
      [
        () => people.add(id, one(), one(), one()),
        () => people.remove(id, one(), one()),
        () => people.give(id, one(), one(), (['owner', 'admin', 'member'] as const)[pick(3)] ?? 'admin'),
      ][pick(3)]?.() ?? Promise.resolve();

    for (let round = 0; round < 12; round += 1) await Promise.allSettled(Array.from({ length: 8 }, change));

    const roles = Object.values(await people.roles(id));
    const [row] = await sql<{ member_count: number; gone: boolean }>(
      people.stores.env.DATABASE_URL,
      'select member_count, deleted_at is not null as gone from edgechat.conversations where id = $1',
      [id],
    );
    expect({ seed, owners: roles.filter((role) => role === 'owner').length, count: row?.member_count }).toEqual({
      seed,
      owners: row?.gone ? 0 : 1,
      count: roles.length,
    });
    const rows = await sql<{ account_id: string }>(
      people.stores.env.DATABASE_URL,
      'select account_id from edgechat.inbox where conversation_id = $1 order by 1',
      [id],
    );
    expect(rows.map((inboxRow) => Number(inboxRow.account_id))).toEqual(
      Object.keys(await people.roles(id)).map(Number),
    );
  });

  it('has at most 10,000 members', async () => {
    const id = await people.group(ada);
    for (let from = 2; from < 10_000; from += 1_000)
      await people.add(id, ada, ...accounts(from, Math.min(1_000, 10_001 - from)));

    expect(Object.keys(await people.roles(id))).toHaveLength(10_000);
    await expect(people.add(id, ada, account(10_001))).rejects.toEqual(refused('group_full'));
    await people.add(id, ada, account(9_999));

    const { items, next } = await people.process.get(ListMembers).page(id, ada, 100, null);
    expect(items).toHaveLength(100);
    expect((await people.process.get(ListMembers).page(id, ada, 100, next)).items[0]?.accountId).toBe(101);
    await people.process.get(DeleteConversation).delete(id, ada);
  }, 60_000);
});

describe('guarantee 7: from the moment a removal was answered', () => {
  it('nothing of the removed person gets through, though they send as fast as they can', async () => {
    const id = await people.group(ada, bob);
    let isOver = false;
    let answeredAfter = 0;
    const sending = Array.from({ length: 8 }, async () => {
      for (;;) {
        const wasOver = isOver;
        const fate = await people.send(id, bob).then(
          () => 'sent',
          () => 'refused',
        );
        if (wasOver && fate === 'sent') answeredAfter += 1;
        if (fate === 'refused') return;
      }
    });
    await eventually(async () => (await people.messages(id, ada)).length > 10);

    await people.remove(id, ada, bob);
    isOver = true;
    const there = (await people.process.get(ListConversations).find(ada, id))?.lastSeq;
    await Promise.all(sending);

    expect(answeredAfter).toBe(0);
    expect((await people.process.get(ListConversations).find(ada, id))?.lastSeq).toBe(there);
    await expect(people.messages(id, bob)).rejects.toEqual(refused('conversation_not_found'));
    await expect(people.process.get(MarkRead).upTo(id, bob, 1)).rejects.toEqual(refused('conversation_not_found'));
    await expect(people.process.get(ListMembers).page(id, bob, 10, null)).rejects.toEqual(
      refused('conversation_not_found'),
    );
    const places = await people.process.get(ReadMessages).placesWithin(bob, [{ conversationId: id, seq: 1 }], 1_000);
    expect(places.messages).toEqual([]);
    expect(await people.inbox(bob)).not.toContain(id);
  });

  it('a delivery that had to wait for it brings no inbox row back', async () => {
    const id = await people.group(ada, bob);
    await people.send(id, ada);
    const rival = await aRival('select 1 from edgechat.conversations where id = $1 for update', [id]);

    const delivery = people.process.get(FanOutMessages).run(id, signal);
    const waits = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%order_inboxes%' and datname = current_database()`;
    await eventually(async () => (await sql(people.stores.env.DATABASE_URL, waits)).length === 1);
    await rival.query('delete from edgechat.members where conversation_id = $1 and account_id = $2', [id, bob]);
    await rival.query('delete from edgechat.inbox where conversation_id = $1 and account_id = $2', [id, bob]);
    await rival.query('commit');
    await rival.end();
    await delivery;

    expect(await people.inbox(bob)).not.toContain(id);
  });
});
