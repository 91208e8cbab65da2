import { eventually, sql, startStack, type Client, type Json, type Stack } from '@edgechat/testing';
import { groupOf, idsOf, inboxOf, membersOf, people, upTo, type Person } from './people.js';
import { INSTANT } from './problems.js';

/** Members above which a conversation is ordered on reading here. */
const WRITE_LIMIT = 3;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 1, env: { FAN_OUT_WRITE_LIMIT: String(WRITE_LIMIT) } });
});
afterAll(() => stack.close());

/** Lets so many days pass for a conversation in which all is delivered. */
async function letPass(id: string, days: number): Promise<void> {
  const left = 'select 1 from edgechat.outbox where conversation_id = $1';
  await eventually(async () => (await sql(stack.databaseUrl, left, [id])).length === 0, { withinMs: 10_000 });
  await sql(
    stack.databaseUrl,
    `with c as (update edgechat.conversations set created_at = created_at - $2::interval, updated_at = updated_at - $2::interval where id = $1),
          m as (update edgechat.messages set created_at = created_at - $2::interval where conversation_id = $1),
          j as (update edgechat.members set joined_at = joined_at - $2::interval where conversation_id = $1)
     update edgechat.inbox set ordered_at = ordered_at - $2::interval where conversation_id = $1 and ordered_at > '-infinity'`,
    [id, `${days} days`],
  );
}

/** A group of these people, in which the last word was said so many days ago. */
async function anOldGroup(owner: Person, others: readonly Person[], days: number): Promise<string> {
  const id = await groupOf(owner, others);
  await owner.client.send(id, 'the last word');
  await letPass(id, days);
  return id;
}

const add = (owner: Person, group: string, ...who: readonly Person[]): Promise<unknown> =>
  owner.client.post(`/chat/conversations/${group}/members`, { account_ids: who.map(({ id }) => id) });

/** An inbox, page by page; each row is at the later of its last message and when its reader was added, and the rows are in that order. */
async function ordered(who: Person, client: Client, limit: number): Promise<Json[]> {
  const rows = await inboxOf(client, limit);
  const instants = rows.map(({ sort_at }) => String(sort_at));
  expect(instants).toEqual([...instants].sort().reverse());
  for (const row of rows) {
    const joined = (await membersOf(client, row['id'])).find(({ account_id }) => account_id === who.id)?.['joined_at'];
    expect([row['id'], row['sort_at']]).toEqual([row['id'], [row['updated_at'], joined].sort().at(-1)]);
    expect(row['sort_at']).toMatch(INSTANT);
  }
  return rows;
}

describe.each([
  ['a small group', 1],
  ['a group that is ordered on reading', WRITE_LIMIT + 1],
])('who is added to %s in which nothing was said for a month', (_, others) => {
  it('sees it at the top, at once and everywhere; nobody else sees it move', async () => {
    const [owner, me, ...they] = (await people(stack, 2 + others)) as [Person, Person, ...Person[]];
    const quiet = await anOldGroup(owner, they, 30);
    const newer = await anOldGroup(owner, they, 3);
    const mine = await groupOf(me, []);
    const before = await Promise.all([owner, ...they].map(({ client }) => inboxOf(client)));

    await add(owner, quiet, me);

    for (const client of [me.client, me.there]) {
      const [first, ...rest] = await ordered(me, client, 100);
      expect([first?.['id'], idsOf(rest)]).toEqual([quiet, [mine]]);
      expect(first?.['sort_at'] > first?.['updated_at']).toBe(true);
      expect((await client.get(`/chat/conversations/${quiet}`)).body['sort_at']).toBe(first?.['sort_at']);
    }
    const after = await Promise.all([owner, ...they].map(({ there }) => inboxOf(there)));
    expect(after.map(idsOf)).toEqual([owner, ...they].map(() => [newer, quiet]));
    expect(after.flat().map(({ sort_at }) => sort_at)).toEqual(before.flat().map(({ sort_at }) => sort_at));

    await me.client.send(mine, 'hello');
    expect(idsOf(await ordered(me, me.there, 1))).toEqual([mine, quiet]);
    await owner.client.send(quiet, 'welcome');
    await eventually(async () => expect(idsOf(await ordered(me, me.there, 1))).toEqual([quiet, mine]));
  });
});

it('the inbox is walked by cursor in this order, each conversation once, small and large ones, with pages of any size', async () => {
  const [me, owner, ...others] = (await people(stack, 2 + WRITE_LIMIT)) as [Person, Person, ...Person[]];
  const groups: string[] = [];
  for (const n of upTo(11)) groups.push(await anOldGroup(owner, n % 3 ? [] : others, 40 - n));
  for (const n of [3, 9, 1, 6, 7, 11, 2, 10]) await add(owner, groups[n - 1]!, me);
  for (const n of [2, 6]) await letPass(groups[n - 1]!, 10);
  for (const n of [1, 9]) await owner.client.send(groups[n - 1]!, 'again');

  await eventually(async () => {
    const whole = idsOf(await ordered(me, me.client, 100));
    expect(whole).toEqual([9, 1, 10, 11, 7, 3, 2, 6].map((n) => groups[n - 1]));
    for (const limit of [1, 2, 3, 7, 8]) expect(idsOf(await ordered(me, me.there, limit))).toEqual(whole);
  });
});
