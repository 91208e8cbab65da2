import type { AccountId, ConversationId } from '@edgechat/kernel';
import { sql } from '@edgechat/testing';
import { account, accounts, People } from './test-people.js';

/** Members above which a conversation is large here. */
const WRITE_LIMIT = 3;

let people: People;
const run = <Row extends object>(text: string, ...values: unknown[]) =>
  sql<Row>(people.stores.env.DATABASE_URL, text, values);
beforeAll(async () => {
  people = await People.start(WRITE_LIMIT);
}, 60_000);
afterAll(() => people.close());

/** Accounts that no other test has anything to do with. */
let taken = 0;
const fresh = (count: number): AccountId[] => accounts((taken += count) - count + 1, count);
const one = (): AccountId => fresh(1)[0] ?? account(1);
const tooMany = expect.objectContaining({ code: 'too_many_large_groups' });

/** A group of this person with three others, whom nobody else knows. */
const aLargeGroup = (owner: AccountId): Promise<ConversationId> => people.group(owner, ...fresh(3));
/** Somebody makes as many large groups, and takes this account into each. */
async function takeInto(count: number, owner: AccountId, who: AccountId): Promise<ConversationId[]> {
  const groups: ConversationId[] = [];
  while (groups.length < count) groups.push(await people.group(owner, who, ...fresh(2)));
  return groups;
}
const largeOf = async (who: AccountId): Promise<number> => {
  const [row] = await run<{ n: number }>(
    `select count(*)::int as n from edgechat.inbox where account_id = $1 and ordered_at = '-infinity'`,
    who,
  );
  return row?.n ?? NaN;
};
/** Somebody who wrote to this account. */
async function aFriendOf(who: AccountId): Promise<AccountId> {
  const friend = one();
  await people.send((await people.make(friend, 'direct', [who])).id, who);
  return friend;
}

describe('an account that strangers take into 500 large groups', () => {
  it('is in 100 of them: the 101st is refused to who adds, and people whom it knows take it into 400 more', async () => {
    const victim = one();
    const friend = await aFriendOf(victim);
    const strangers = fresh(4);
    for (const stranger of strangers) await takeInto(25, stranger, victim);

    for (const stranger of [...strangers, ...fresh(2)]) {
      await expect(people.make(stranger, 'group', [victim, ...fresh(2)])).rejects.toEqual(tooMany);
      await expect(people.add(await aLargeGroup(stranger), stranger, victim)).rejects.toEqual(tooMany);
    }
    expect(await largeOf(victim)).toBe(100);

    await people.add(await aLargeGroup(friend), friend, victim);
    await takeInto(399, friend, victim);
    expect(await largeOf(victim)).toBe(500);
    await expect(people.make(friend, 'group', [victim, ...fresh(2)])).rejects.toEqual(tooMany);
  }, 120_000);

  it('is not taken into the 101st by many at once either', async () => {
    const victim = one();
    await takeInto(99, one(), victim);
    const nearly = await Promise.all(fresh(3).map(async (owner) => ({ owner, id: await aLargeGroup(owner) })));

    const fates = await Promise.allSettled([
      ...nearly.map(({ owner, id }) => people.add(id, owner, victim)),
      ...fresh(2).map((owner) => people.make(owner, 'group', [victim, ...fresh(2)])),
    ]);

    expect(fates.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await largeOf(victim)).toBe(100);
  }, 60_000);

  it('nor by a group that becomes large while it is in it; who did not take it in goes on with others', async () => {
    const [victim, stranger] = fresh(2) as [AccountId, AccountId];
    await takeInto(100, one(), victim);
    const small = await people.group(stranger, victim);

    await expect(people.add(small, stranger, ...fresh(2))).rejects.toEqual(tooMany);
    await people.send(small, victim);
    await people.add(small, stranger, ...fresh(2));
    expect(await largeOf(victim)).toBe(101);
  }, 60_000);

  it('knows whom it wrote to: what they took it into before counts no more, of each of them', async () => {
    const [victim, colleague, stranger] = fresh(3) as [AccountId, AccountId, AccountId];
    const [group] = await takeInto(100, colleague, victim);
    await expect(people.make(stranger, 'group', [victim, ...fresh(2)])).rejects.toEqual(tooMany);

    await people.send(group!, victim);

    await takeInto(1, stranger, victim);
    await takeInto(1, colleague, victim);
    expect(await largeOf(victim)).toBe(102);
  }, 60_000);

  it('makes large groups of its own, and is in those of which nobody knows who took it in', async () => {
    const [victim, stranger] = fresh(2) as [AccountId, AccountId];
    const ids = await takeInto(100, stranger, victim);
    await run(
      'update edgechat.members set added_by = null where account_id = $1 and conversation_id = any($2)',
      victim,
      ids.slice(0, 1),
    );
    await takeInto(1, one(), victim);

    await takeInto(1, victim, one());
    await expect(people.make(one(), 'group', [victim, ...fresh(2)])).rejects.toEqual(tooMany);
    expect(await largeOf(victim)).toBe(102);
  }, 60_000);

  it('beside whom others are taken in as ever', async () => {
    const [victim, stranger, bystander] = fresh(3) as [AccountId, AccountId, AccountId];
    await takeInto(100, stranger, victim);
    const group = await aLargeGroup(stranger);

    await expect(people.add(group, stranger, victim, bystander)).rejects.toEqual(tooMany);
    await people.add(group, stranger, bystander);
    expect([await largeOf(victim), await largeOf(bystander)]).toEqual([100, 1]);
  }, 60_000);
});
