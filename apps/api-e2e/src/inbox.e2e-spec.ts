import { eventually, startStack, type Client, type Json, type Stack } from '@edgechat/testing';
import { groupOf, idsOf, inboxOf, membersOf, owed, people, upTo, type Person } from './people.js';

/** Members above which a conversation is large here. */
const WRITE_LIMIT = 3;

let stack: Stack;
beforeAll(async () => {
  // Nobody works at first: what a caller sees after a write cannot be because a job was quick.
  stack = await startStack({ apis: 2, workers: 0, env: { FAN_OUT_WRITE_LIMIT: String(WRITE_LIMIT) } });
});
afterAll(() => stack.close());

const rowOf = async (client: Client, group: string): Promise<Json> => {
  const row = (await inboxOf(client)).find(({ id }) => id === group);
  if (!row) throw new Error('not in the inbox');
  return row;
};
const firstOf = async (client: Client): Promise<unknown> =>
  (await client.get('/chat/conversations?limit=1')).body['conversations'][0]?.id;
const rolesOf = async (client: Client, group: string): Promise<unknown> =>
  Object.fromEntries((await membersOf(client, group)).map(({ account_id, role }) => [account_id, role]));

describe("reads after writes: once a call has answered, its caller's next read shows it, on the other API, though no job has run", () => {
  it.each([
    ['a group', 2],
    ['a large group', WRITE_LIMIT + 1],
  ])('of %s', async (_, others) => {
    const [me, ...they] = (await people(stack, 1 + others)) as [Person, Person, ...Person[]];
    const [friend] = they as [Person];
    const [fresh] = (await people(stack, 1)) as [Person];
    const path = (id: string): string => `/chat/conversations/${id}`;

    const group = await groupOf(me, they, { title: 'before' });
    expect(await firstOf(me.there)).toBe(group);
    for (const { client, there } of they) expect([await firstOf(client), await firstOf(there)]).toEqual([group, group]);

    const later = await groupOf(me, they);
    expect(idsOf(await inboxOf(me.there))).toEqual([later, group]);

    await me.client.send(group, 'hello');
    expect(idsOf(await inboxOf(me.there))).toEqual([group, later]);
    expect(await rowOf(me.there, group)).toMatchObject({
      last_seq: 1,
      message_count: 1,
      read_seq: 1,
      unread_count: 0,
      last_message: { seq: 1, author_id: me.id, content: 'hello' },
    });
    expect(await rowOf(friend.there, group)).toMatchObject({
      last_seq: 1,
      read_seq: 0,
      unread_count: 1,
      last_message: { content: 'hello' },
    });
    expect((await me.there.messages(group)).map(({ content }) => content)).toEqual(['hello']);

    expect((await friend.client.call('PUT', `${path(group)}/read`, { body: { seq: 1 } })).body).toEqual({
      read_seq: 1,
      unread_count: 0,
    });
    expect(await rowOf(friend.there, group)).toMatchObject({ read_seq: 1, unread_count: 0 });

    const patched = await me.client.call('PATCH', path(group), { body: { title: 'after', assistant: 'mention' } });
    expect(patched.body).toEqual(await rowOf(me.there, group));
    expect(patched.body).toMatchObject({ title: 'after', assistant: 'mention' });

    await me.client.post(`${path(group)}/members`, { account_ids: [fresh.id] });
    expect(await rowOf(me.there, group)).toMatchObject({ member_count: others + 2 });
    expect((await membersOf(me.there, group)).at(-1)).toMatchObject({ account_id: fresh.id, role: 'member' });
    expect(await rowOf(fresh.there, group)).toMatchObject({
      last_seq: 1,
      read_seq: 1,
      unread_count: 0,
      my_role: 'member',
    });

    await me.client.call('PATCH', `${path(group)}/members/${friend.id}`, { body: { role: 'owner' } });
    expect(await rolesOf(me.there, group)).toMatchObject({ [me.id]: 'admin', [friend.id]: 'owner' });
    expect([(await rowOf(me.there, group))['my_role'], (await rowOf(friend.there, group))['my_role']]).toEqual([
      'admin',
      'owner',
    ]);

    await me.client.call('DELETE', `${path(group)}/members/${fresh.id}`);
    expect(await rowOf(me.there, group)).toMatchObject({ member_count: others + 1 });
    expect(await rolesOf(me.there, group)).not.toHaveProperty(String(fresh.id));
    expect(await inboxOf(fresh.there)).toEqual([]);

    await friend.client.call('DELETE', `${path(group)}/members/me`);
    expect(idsOf(await inboxOf(friend.there))).toEqual([later]);
    expect(await rolesOf(me.there, group)).toMatchObject({ [me.id]: 'owner' });

    await me.client.call('DELETE', path(group));
    for (const { there } of [me, ...they]) expect(idsOf(await inboxOf(there))).toEqual([later]);
  });

  it('of two people, and of one alone', async () => {
    const [one, other] = (await people(stack, 2)) as [Person, Person];
    const alone = await one.client.conversation({ assistant: 'off' });
    const direct = await one.client.conversation({ kind: 'direct', member_ids: [other.id] });
    expect([idsOf(await inboxOf(one.there)), idsOf(await inboxOf(other.there))]).toEqual([[direct, alone], [direct]]);

    await one.client.send(alone, 'to myself');
    expect(idsOf(await inboxOf(one.there))).toEqual([alone, direct]);
    await one.client.send(direct, 'to you');
    expect(idsOf(await inboxOf(one.there))).toEqual([direct, alone]);

    await other.client.call('DELETE', `/chat/conversations/${direct}`);
    expect([idsOf(await inboxOf(one.there)), idsOf(await inboxOf(other.there))]).toEqual([[alone], []]);
  });
});

describe('the inbox of many people, with two workers', () => {
  beforeAll(async () => {
    for (let n = 0; n < 2; n += 1) await (await stack.add('worker')).start();
  });

  /** The latest first. */
  function inOrder(rows: readonly Json[]): void {
    const instants = rows.map(({ sort_at }) => String(sort_at));
    expect(instants).toEqual([...instants].sort().reverse());
  }

  it('is in the order of activity and counts exactly what is unread, for everybody, within 10 s of sends and marks at once', async () => {
    const crowd = await people(stack, 8);
    // Small and large ones, of which each has a part of the crowd.
    const groups = await Promise.all(
      upTo(10).map((n) =>
        groupOf(
          crowd[n % 8]!,
          upTo(n % 2 ? 2 : 5).map((k) => crowd[(n + k) % 8]!),
        ),
      ),
    );
    const members = new Map(
      await Promise.all(
        groups.map(
          async (group, n) =>
            [
              group,
              (await membersOf(crowd[(n + 1) % 8]!.client, group)).map(({ account_id }) =>
                crowd.find(({ id }) => id === account_id)!,
              ),
            ] as const,
        ),
      ),
    );
    const readTo = new Map<string, number>();
    const note = (group: string, who: Person, seq: number): unknown =>
      readTo.set(`${group} ${who.id}`, Math.max(seq, readTo.get(`${group} ${who.id}`) ?? 0));

    await Promise.all(
      upTo(30).flatMap((n) =>
        groups.map(async (group, g) => {
          const inIt = members.get(group)!;
          const [author, reader] = [inIt[(n + g) % inIt.length]!, inIt[(n * 3 + g) % inIt.length]!];
          note(group, author, (await author[n % 2 ? 'client' : 'there'].send(group, `${n}`)).body['user_message'].seq);
          note(
            group,
            reader,
            (
              await reader[n % 3 ? 'client' : 'there'].call('PUT', `/chat/conversations/${group}/read`, {
                body: { seq: n % 7 },
              })
            ).body['read_seq'],
          );
        }),
      ),
    );

    await eventually(
      async () => {
        for (const who of crowd) {
          const rows = await inboxOf(who.there);
          expect(idsOf(rows).sort()).toEqual(groups.filter((group) => members.get(group)!.includes(who)).sort());
          inOrder(rows);
          const marks = rows.map(({ id }) => readTo.get(`${id} ${who.id}`) ?? 0);
          expect(rows.map(({ last_seq, read_seq, unread_count }) => [last_seq, read_seq, unread_count])).toEqual(
            marks.map((mark) => [30, mark, 30 - mark]),
          );
        }
      },
      { withinMs: 10_000 },
    );
  });

  it('stays in order while groups become large under sends and joins, and leave by joins and leaves no row behind', async () => {
    const crowd = await people(stack, 7);
    const [owner, ...others] = crowd as [Person, ...Person[]];
    const groups = await Promise.all(upTo(6).map(() => groupOf(owner, others.slice(0, 1))));
    const change = (group: string, n: number): Promise<unknown> =>
      n % 4 === 3
        ? owner.there.call('DELETE', `/chat/conversations/${group}/members/${others[(n + 2) % 6]!.id}`)
        : owner.client.post(`/chat/conversations/${group}/members`, { account_ids: [others[n % 6]!.id] });

    await Promise.all(
      groups.flatMap((group) => [
        ...upTo(12).map((n) => owner[n % 2 ? 'client' : 'there'].send(group, `${n}`)),
        (async () => {
          for (let n = 1; n <= 12; n += 1) await change(group, n);
        })(),
      ]),
    );

    const inIt = await Promise.all(
      groups.map(async (group) => new Set((await membersOf(owner.client, group)).map(({ account_id }) => account_id))),
    );
    expect(Math.max(...inIt.map(({ size }) => size))).toBeGreaterThan(WRITE_LIMIT);
    await eventually(
      async () => {
        for (const { id, client } of crowd) {
          const rows = await inboxOf(client, 2);
          expect(idsOf(rows).sort()).toEqual(groups.filter((_, n) => inIt[n]?.has(id)).sort());
          inOrder(rows);
        }
      },
      { withinMs: 10_000 },
    );
    for (const group of groups) await eventually(async () => (await owed(stack, group)) === 0, { withinMs: 10_000 });
  });

  it('is walked by cursor: each conversation once, large and small in one order, from whichever API the pages come', async () => {
    const [me, ...others] = (await people(stack, 1 + WRITE_LIMIT)) as [Person, ...Person[]];
    for (let n = 0; n < 23; n += 1) await groupOf(me, n % 3 ? [] : others);
    for (const [n, id] of idsOf(await inboxOf(me.client)).entries())
      if (n % 4 === 1) await me.client.send(id, 'moves up');

    const walked: string[] = [];
    let cursor = '';
    for (let page = 0; cursor !== 'null'; page += 1) {
      const { body } = await me[page % 2 ? 'client' : 'there'].get(
        `/chat/conversations?limit=5${cursor && `&cursor=${cursor}`}`,
      );
      walked.push(...idsOf(body['conversations']));
      expect(body['has_more']).toBe(walked.length < 23);
      cursor = String(body['next_cursor']);
    }

    const whole = await inboxOf(me.client);
    inOrder(whole);
    expect(walked).toEqual(idsOf(whole));
    expect(new Set(walked).size).toBe(23);
  });
});
