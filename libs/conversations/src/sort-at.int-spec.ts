import type { AccountId, ConversationId } from '@edgechat/kernel';
import { sql } from '@edgechat/testing';
import { ListConversations, type InboxStart } from './queries/list-conversations.js';
import { FanOutMessages } from './use-cases/fan-out-messages.js';
import { accounts, People } from './test-people.js';

/** Members above which a conversation is ordered on reading here. */
const WRITE_LIMIT = 4;

let people: People;
const { signal } = new AbortController();
beforeAll(async () => {
  people = await People.start(WRITE_LIMIT);
}, 60_000);
afterAll(() => people.close());

const run = <Row extends object>(text: string, ...values: unknown[]) =>
  sql<Row>(people.stores.env.DATABASE_URL, text, values);
const page = (who: AccountId, limit: number, start: InboxStart = { by: 'skip', skip: 0 }) =>
  people.process.get(ListConversations).page(who, limit, start);
const placeOf = async (id: ConversationId, who: AccountId): Promise<{ sortAt: Date; updatedAt: Date }> => {
  const conversation = await people.process.get(ListConversations).find(who, id);
  if (conversation === null) throw new Error('not there');
  return conversation;
};
const joinedAt = async (id: ConversationId, who: AccountId): Promise<Date> => {
  const [row] = await run<{ at: Date }>(
    'select joined_at as at from edgechat.members where conversation_id = $1 and account_id = $2',
    id,
    who,
  );
  return row?.at ?? new Date(NaN);
};

/** Accounts that no other test has anything to do with. */
let taken = 100;
const fresh = (count: number): AccountId[] => accounts((taken += count) - count, count);

/** Shifts all that has happened in a conversation into the past. */
async function makeOld(id: ConversationId, days: number): Promise<void> {
  await run(
    `with c as (update edgechat.conversations set created_at = created_at - $2::interval, updated_at = updated_at - $2::interval where id = $1),
          m as (update edgechat.messages set created_at = created_at - $2::interval where conversation_id = $1),
          j as (update edgechat.members set joined_at = joined_at - $2::interval where conversation_id = $1)
     update edgechat.inbox set ordered_at = ordered_at - $2::interval where conversation_id = $1 and ordered_at > '-infinity'`,
    id,
    `${days} days`,
  );
}

/** A group of this person with so many others, of which the last word is some days old. */
async function anOldGroup(owner: AccountId, others: number, days: number): Promise<ConversationId> {
  const id = await people.group(owner, ...fresh(others));
  await people.send(id, owner);
  await people.process.get(FanOutMessages).run(id, signal);
  await makeOld(id, days);
  return id;
}

/** All pages of an inbox, and that each of them is in its order. */
async function walk(who: AccountId, limit: number, from: InboxStart = { by: 'skip', skip: 0 }): Promise<string[]> {
  const ids: string[] = [];
  const instants: number[] = [];
  for (let start: InboxStart | null = from; start !== null;) {
    const { items, next }: Awaited<ReturnType<typeof page>> = await page(who, limit, start);
    ids.push(...items.map(({ id }) => id));
    instants.push(...items.map(({ sortAt }) => sortAt.getTime()));
    start = next && { by: 'place', ...next };
  }
  expect(instants).toEqual([...instants].sort((one, other) => other - one));
  return ids;
}

describe.each([
  ['an old quiet group', 1],
  ['an old quiet group that is ordered on reading', WRITE_LIMIT + 1],
])('who is added to %s', (_, others) => {
  it('has it at the top of the inbox, at the instant of being added; for the others it stays where it was', async () => {
    const [owner, me] = fresh(2) as [AccountId, AccountId];
    const group = await anOldGroup(owner, others, 30);
    const older = await anOldGroup(owner, 1, 40);
    const newer = await anOldGroup(owner, WRITE_LIMIT + 1, 20);
    for (const id of [older, newer]) await people.add(id, owner, me);
    await makeOld(older, 3);
    await makeOld(newer, 2);
    const before = [await placeOf(group, owner), await people.inbox(owner)];

    await people.add(group, owner, me);

    expect(await people.inbox(me)).toEqual([group, newer, older]);
    for (const id of [group, newer, older]) {
      const { sortAt, updatedAt } = await placeOf(id, me);
      expect([sortAt, sortAt > updatedAt]).toEqual([await joinedAt(id, me), true]);
    }
    expect([await placeOf(group, owner), await people.inbox(owner)]).toMatchObject([
      { sortAt: (before[0] as { sortAt: Date }).sortAt },
      before[1],
    ]);
    expect(await people.inbox(owner)).toEqual([newer, group, older]);
  });

  it('has it where its messages are from the next one on, and at the top again when added anew', async () => {
    const [owner, me] = fresh(2) as [AccountId, AccountId];
    const group = await anOldGroup(owner, others, 30);
    const other = await people.group(me);
    await people.add(group, owner, me);
    expect(await people.inbox(me)).toEqual([group, other]);
    await people.send(other, me);
    expect(await people.inbox(me)).toEqual([other, group]);

    await people.send(group, owner);
    await people.process.get(FanOutMessages).run(group, signal);
    expect(await people.inbox(me)).toEqual([group, other]);
    const { sortAt, updatedAt } = await placeOf(group, me);
    expect(sortAt).toEqual(updatedAt);

    await people.remove(group, me, me);
    await makeOld(group, 1);
    expect(await people.inbox(me)).toEqual([other]);
    await people.add(group, owner, me);
    expect(await people.inbox(me)).toEqual([group, other]);
  });

  it('keeps it there though the clock goes back before the next message', async () => {
    const [owner, me] = fresh(2) as [AccountId, AccountId];
    const group = await anOldGroup(owner, others, 30);
    const other = await people.group(me);
    await people.add(group, owner, me);
    const later = new Date(Date.now() + 60_000);
    await run(
      'update edgechat.members set joined_at = $3 where conversation_id = $1 and account_id = $2',
      group,
      me,
      later,
    );
    await run(
      `update edgechat.inbox set ordered_at = $3 where conversation_id = $1 and account_id = $2 and ordered_at > '-infinity'`,
      group,
      me,
      later,
    );

    await people.send(group, me);
    await people.process.get(FanOutMessages).run(group, signal);
    await people.send(other, me);

    expect(await people.inbox(me)).toEqual([group, other]);
    expect((await placeOf(group, me)).sortAt).toEqual(later);
  });
});

describe('the order of an inbox', () => {
  it('is the same on pages of any size, which neither double nor lose one; cursors of the release before go on', async () => {
    const [owner, me] = fresh(2) as [AccountId, AccountId];
    const ids: ConversationId[] = [];
    for (let n = 0; n < 12; n += 1) {
      const id = await anOldGroup(owner, n % 3 === 0 ? WRITE_LIMIT + 1 : 1, 50 - n);
      await people.add(id, owner, me);
      await makeOld(id, (n * 7) % 12);
      ids.push(id);
    }
    // (As if they came at one moment: ids decide then.)
    const at = new Date(Date.now() - 4.5 * 86_400_000);
    await run(
      'update edgechat.members set joined_at = $2 where account_id = $1 and conversation_id = any($3)',
      me,
      at,
      ids.slice(0, 5),
    );
    await run(
      `update edgechat.inbox set ordered_at = $2 where account_id = $1 and conversation_id = any($3) and ordered_at > '-infinity'`,
      me,
      at,
      ids.slice(0, 5),
    );

    const whole = await walk(me, 100);
    expect([...whole].sort()).toEqual([...ids].sort());
    for (const limit of [1, 2, 3, 5, 11, 12]) expect(await walk(me, limit)).toEqual(whole);
    for (let skip = 0; skip <= 12; skip += 1)
      expect(await people.inbox(me, { by: 'skip', skip }, 3)).toEqual(whole.slice(skip, skip + 3));
    // A place by the last message, of a conversation that is there no more.
    const place: InboxStart = {
      by: 'place',
      orderedAt: at,
      id: 'ffffffff-ffff-7fff-bfff-ffffffffffff' as ConversationId,
    };
    const isLater = async (id: string): Promise<boolean> => (await placeOf(id as ConversationId, me)).sortAt > at;
    const behind: string[] = [];
    for (const id of whole) if (!(await isLater(id))) behind.push(id);
    expect(await walk(me, 2, place)).toEqual(behind);
  });

  it('within a page is that of the newest messages, though they are not delivered yet', async () => {
    const [one, other] = fresh(2) as [AccountId, AccountId];
    const first = await people.group(one, other);
    const second = await people.group(one, other);
    expect(await people.inbox(other)).toEqual([second, first]);

    await people.send(first, one);

    expect(await people.inbox(other)).toEqual([first, second]);
    expect(await walk(other, 10)).toEqual([first, second]);
    await people.process.get(FanOutMessages).run(first, signal);
    expect(await walk(other, 1)).toEqual([first, second]);
  });

  it('begins for each member with being there: the members of a new group, and of a direct conversation', async () => {
    const [one, other] = fresh(2) as [AccountId, AccountId];
    const ids = [
      await people.group(one, other),
      (await people.make(one, 'direct', [other])).id,
      await people.group(one, other, ...fresh(WRITE_LIMIT)),
    ];
    for (const id of ids)
      for (const who of [one, other]) expect((await placeOf(id, who)).sortAt).toEqual(await joinedAt(id, who));
    expect(await walk(other, 1)).toEqual([...ids].reverse());
    expect(
      await run(
        `select 1 as wrong from edgechat.inbox i join edgechat.members m using (conversation_id, account_id) where i.account_id = any($1) and i.ordered_at not in ('-infinity', m.joined_at)`,
        [one, other],
      ),
    ).toEqual([]);
  });

  it('is the same where the release before takes somebody in', async () => {
    const [owner, me] = fresh(2) as [AccountId, AccountId];
    const group = await anOldGroup(owner, 1, 30);
    const large = await anOldGroup(owner, WRITE_LIMIT + 1, 30);
    const other = await people.group(me);
    for (const id of [group, large])
      await run(
        `with joined as (
           insert into edgechat.members (conversation_id, account_id, role, joined_at, read_seq, added_by)
           select c.id, a, 'member', date_trunc('milliseconds', clock_timestamp()), c.last_seq, $4 from edgechat.conversations c, unnest($2::bigint[]) a where c.id = $1
         ), placed as (
           insert into edgechat.inbox as i (account_id, conversation_id, ordered_at)
           select a, c.id, case when $3 then '-infinity' else c.updated_at end from edgechat.conversations c, unnest($2::bigint[]) a where c.id = $1 order by a
           on conflict (account_id, conversation_id) do update set ordered_at = excluded.ordered_at
         )
         update edgechat.conversations set member_count = member_count + cardinality($2::bigint[]), revision = revision + 1 where id = $1`,
        id,
        [me],
        id === large,
        owner,
      );

    expect(await people.inbox(me)).toEqual([large, group, other]);
    expect(await walk(me, 1)).toEqual([large, group, other]);
  });
});
