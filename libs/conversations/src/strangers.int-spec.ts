import type { AccountId, ConversationId, Refusal } from '@edgechat/kernel';
import { Postgres } from '@edgechat/platform/postgres';
import { sql } from '@edgechat/testing';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { account, accounts, People } from './test-people.js';

/** Accounts of the tests are old enough for all of them but where it is said otherwise. */
const PER_DAY = 10_000;

let people: People;
const run = <Row extends object>(text: string, ...values: unknown[]) =>
  sql<Row>(people.stores.env.DATABASE_URL, text, values);
beforeAll(async () => {
  people = await People.start(10_000, { STRANGERS_PER_DAY: String(PER_DAY) });
  await run(`update edgechat.accounts set created_at = clock_timestamp() - interval '8 days'`);
}, 60_000);
afterAll(() => people.close());

/** Accounts that no other test has anything to do with. */
let taken = 0;
const fresh = (count: number): AccountId[] => accounts((taken += count) - count + 1, count);
const one = (): AccountId => fresh(1)[0] ?? account(1);
const aged = async (age: string): Promise<AccountId> => {
  const made = one();
  await run('update edgechat.accounts set created_at = clock_timestamp() - $2::interval where id = $1', made, age);
  return made;
};
const counted = async (who: AccountId): Promise<number> => {
  const [row] = await run<{ n: number }>(
    'select coalesce(sum(strangers), 0)::int as n from edgechat.daily_use where account_id = $1',
    who,
  );
  return row?.n ?? NaN;
};
/** Has an account met so many today. */
const met = (who: AccountId, strangers: number): Promise<unknown> =>
  run(
    `insert into edgechat.daily_use (account_id, day, strangers) values ($1, (clock_timestamp() at time zone 'UTC')::date, $2)
     on conflict (account_id, day) do update set strangers = excluded.strangers`,
    who,
    strangers,
  );
const inboxes = async (...who: AccountId[]): Promise<number> => {
  const [row] = await run<{ n: number }>(
    'select count(*)::int as n from edgechat.inbox where account_id = any($1::bigint[])',
    who,
  );
  return row?.n ?? NaN;
};
const refusalOf = async (call: Promise<unknown>): Promise<Refusal> => {
  const refusal: unknown = await call.then(
    () => null,
    (error: unknown) => error,
  );
  expect(refusal).toMatchObject({ code: 'too_many_strangers' });
  return refusal as Refusal;
};
const secondsOf = async (call: Promise<unknown>): Promise<number> => (await refusalOf(call)).options.retryAfterS ?? NaN;
const toMidnight = (): number => 86_400 - ((Date.now() / 1_000) % 86_400);
const untilHourIsOver = (minutes: number): number => Math.min(60 * minutes, toMidnight());
/** A direct conversation in which `friend` has written. */
async function befriend(who: AccountId, friend: AccountId): Promise<ConversationId> {
  const { id } = await people.make(friend, 'direct', [who]);
  await people.send(id, friend);
  return id;
}

describe('who takes in everybody in one call', () => {
  it('takes in nobody, makes nothing, and nothing is counted; a bystander takes in whom they know', async () => {
    const [attacker, everybody] = [await aged('5 minutes'), fresh(1_000)];
    const [bystander, friend] = [await aged('5 minutes'), everybody[7] ?? one()];
    await befriend(bystander, friend);
    await met(bystander, 50);
    const before = await inboxes(...everybody);

    const seconds = await secondsOf(people.make(attacker, 'group', everybody, 'key'));
    const group = await people.group(attacker);
    await refusalOf(people.add(group, attacker, ...everybody));

    expect(Math.abs(seconds - untilHourIsOver(55))).toBeLessThan(60);
    expect([await inboxes(...everybody), await inboxes(attacker), await counted(attacker)]).toEqual([before, 1, 0]);
    expect(await run('select 1 from edgechat.conversation_keys where account_id = $1', attacker)).toEqual([]);
    expect((await people.make(bystander, 'group', [friend])).outcome).toBe('created');
    expect((await people.make(attacker, 'group', everybody.slice(0, 50), 'key')).outcome).toBe('created');
    expect(await counted(attacker)).toBe(50);
  });

  it.each([
    ['59 minutes', 50],
    ['61 minutes', 1_000],
    ['167 hours', 1_000],
    ['169 hours', 10_000],
  ])('who registered %s ago meets %d in a day', async (age, most) => {
    const who = await aged(age);
    const group = await people.group(who);
    await met(who, most - 2);

    await refusalOf(people.add(group, who, ...fresh(3)));
    await people.add(group, who, ...fresh(2));
    await refusalOf(people.make(who, 'direct', [one()]));

    expect(await counted(who)).toBe(most);
  });
});

describe('a stranger', () => {
  it('is whoever never sent in a conversation with the caller, in whichever of the three ways they are named, once each', async () => {
    const who = one();
    const [silent, writes, other, ...more] = fresh(6);
    await people.send((await people.make(who, 'direct', [writes!])).id, writes!);
    await people.send((await people.make(who, 'direct', [silent!])).id, who);
    await people.send((await people.make(other!, 'assistant')).id, other!);
    expect(await counted(who)).toBe(2);

    const group = await people.group(who, silent!, writes!, other!, silent!);
    expect(await counted(who)).toBe(4);
    await people.add(group, who, writes!, ...more, ...more);
    expect(await counted(who)).toBe(4 + more.length);
    expect(await counted(writes!)).toBe(0);
  });

  it('is one no more from their first message on, wherever both are, and is one again where neither is left', async () => {
    const [ada, bob, cyd] = fresh(3) as [AccountId, AccountId, AccountId];
    const group = await people.group(cyd, ada, bob);
    await people.send(group, bob);
    await people.group(ada, bob);
    expect(await counted(ada)).toBe(0);

    await people.remove(group, bob, bob);
    const direct = await befriend(ada, bob);
    await people.group(ada, bob);
    expect(await counted(ada)).toBe(0);
    await people.process.get(DeleteConversation).delete(direct, bob);
    await people.group(ada, bob);
    expect(await counted(ada)).toBe(1);
  });

  it('is nobody who is in already, no direct that is there, and no repeat: they count nothing, and are never refused', async () => {
    const [ada, bob, cyd] = fresh(3) as [AccountId, AccountId, AccountId];
    const direct = await people.make(ada, 'direct', [bob]);
    const group = await people.make(ada, 'group', [bob, cyd], 'key');
    await met(ada, PER_DAY);

    expect(await people.make(ada, 'direct', [bob])).toEqual({ id: direct.id, outcome: 'found' });
    expect(await people.make(ada, 'group', [bob, cyd], 'key')).toEqual({ id: group.id, outcome: 'replayed' });
    expect(await people.add(group.id, ada, bob, cyd)).toHaveLength(2);
    expect((await people.make(ada, 'assistant')).outcome).toBe('created');
    expect((await people.make(ada, 'group', [ada])).outcome).toBe('created');
    expect(await counted(ada)).toBe(PER_DAY);
    await refusalOf(people.make(ada, 'direct', [cyd]));
    expect((await people.make(bob, 'direct', [ada])).outcome).toBe('found');
  });

  it('who was refused leaves nothing behind, not even a pair: the other may write first', async () => {
    const [ada, bob] = fresh(2) as [AccountId, AccountId];
    await met(ada, PER_DAY);
    await refusalOf(people.make(ada, 'direct', [bob], 'key'));

    expect(await run('select 1 from edgechat.direct_pairs where low_account = $1', ada)).toEqual([]);
    const { id } = await people.make(bob, 'direct', [ada]);
    expect(await people.make(ada, 'direct', [bob], 'key')).toEqual({ id, outcome: 'found' });
  });
});

describe('the strangers of a day', () => {
  it('are never more than allowed, however many calls come at once, by whichever way', async () => {
    const who = await aged('5 minutes');
    const groups = await Promise.all(Array.from({ length: 5 }, () => people.group(who)));

    const fates = await Promise.allSettled([
      ...groups.map((id) => people.add(id, who, ...fresh(9))),
      ...Array.from({ length: 5 }, () => people.make(who, 'group', fresh(9))),
    ]);

    expect(fates.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(await counted(who)).toBe(45);
    const [row] = await run<{ n: number }>('select count(*)::int as n from edgechat.members where added_by = $1', who);
    expect(row).toEqual({ n: 45 });
  });

  it('are refused until midnight UTC, and counted anew then', async () => {
    const who = one();
    await met(who, PER_DAY);
    expect(Math.abs((await secondsOf(people.make(who, 'direct', [one()]))) - toMidnight())).toBeLessThan(60);

    await run('update edgechat.daily_use set day = day - 9 where account_id = $1', who);
    expect((await people.make(who, 'direct', [one()])).outcome).toBe('created');
    expect(await run('select strangers from edgechat.daily_use where account_id = $1', who)).toEqual([
      { strangers: 1 },
    ]);
  });

  it.each([
    ['0', 'too_many_strangers'],
    ['unlimited', 'created'],
  ])('of %s: %s', async (most, outcome) => {
    const [ada, bob, friend] = fresh(3) as [AccountId, AccountId, AccountId];
    await befriend(ada, friend);
    await met(ada, 1_000_000);
    const other = await people.another({ STRANGERS_PER_DAY: most });

    const fate = await people.make(ada, 'direct', [bob], null, other).then(
      (made) => made.outcome,
      ({ code }: Refusal) => code,
    );

    expect(fate).toBe(outcome);
    expect((await people.make(ada, 'group', [friend], null, other)).outcome).toBe('created');
  });

  it.each([
    ['5 minutes', 20, 20],
    ['2 days', 25, 3],
    ['8 days', 25, 25],
  ])('of an account of %s where there are %d: %d', async (age, perDay, most) => {
    const other = await people.another({ STRANGERS_PER_DAY: String(perDay) });
    const who = await aged(age);

    await refusalOf(people.make(who, 'group', fresh(most + 1), null, other));
    expect((await people.make(who, 'group', fresh(most), null, other)).outcome).toBe('created');
  });
});

describe('to see who is a stranger', () => {
  /** Rows that PostgreSQL reads, by its own count. */
  async function rowsRead(caller: AccountId, others: readonly AccountId[]): Promise<{ rows: number; met: number }> {
    const COUNT = {
      name: 'test.rows_read',
      text: `select (select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables where schemaname = 'edgechat')::int
               + (select sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_stat_user_indexes where schemaname = 'edgechat')::int as n`,
    };
    const LOOK = {
      name: 'test.never_sent_with',
      text: 'select count(*)::int as met from edgechat.never_sent_with($2::bigint[], array_fill($1::bigint, array[cardinality($2::bigint[])]), 100000)',
    };
    return people.process.get(Postgres, { strict: false }).transaction(async (own) => {
      const count = async (): Promise<number> => (await own.query<{ n: number }>(COUNT))[0]?.n ?? NaN;
      const before = await count();
      const [row] = await own.query<{ met: number }>(LOOK, [caller, others]);
      return { met: row?.met ?? NaN, rows: (await count()) - before };
    });
  }
  /** Has each of these sent in so many groups of its own. */
  const haveSent = (who: readonly AccountId[], groups: number): Promise<unknown> =>
    run(
      `with made as (insert into edgechat.members (conversation_id, account_id, role, has_sent) select gen_random_uuid(), a, 'owner', true from unnest($1::bigint[]) a, generate_series(1, $2::int) returning conversation_id, account_id)
       insert into edgechat.inbox (account_id, conversation_id, ordered_at) select account_id, conversation_id, now() from made`,
      who,
      groups,
    );

  it('costs no more where all who are named, and the caller, have sent in a thousand conversations', async () => {
    const [caller, friend, ...crowd] = fresh(202) as [AccountId, AccountId, ...AccountId[]];
    await befriend(caller, friend);
    await haveSent(crowd, 1_000);
    await haveSent([caller], 10_000);

    const { rows, met: strangers } = await rowsRead(caller, crowd);

    expect(strangers).toBe(200);
    expect(rows).toBeLessThan(300_000);
    expect(await rowsRead(caller, [friend])).toMatchObject({ met: 0 });
    expect((await rowsRead(caller, [friend])).rows).toBeLessThan(20);
  }, 60_000);

  it('finds a friend among ten thousand conversations of both, and costs little where nobody has sent', async () => {
    const [caller, friend, ...crowd] = fresh(502) as [AccountId, AccountId, ...AccountId[]];
    await befriend(caller, friend);
    await haveSent([friend, caller], 5_000);

    expect(await rowsRead(caller, [friend])).toMatchObject({ met: 0 });
    const { rows, met: strangers } = await rowsRead(caller, crowd);
    expect([strangers, rows < 2_500]).toEqual([500, true]);
  }, 60_000);
});

describe('a list that names an account that does not exist', () => {
  it('is refused as a whole: which of the others exist is not told', async () => {
    const ada = one();
    const group = await people.group(ada);
    const unknown = accounts(900_000, 999);
    const refusals = await Promise.all(
      [
        people.make(ada, 'group', [...unknown, account(2)]),
        people.make(ada, 'group', [account(2), account(3), ...unknown.slice(0, 1)]),
        people.add(group, ada, ...unknown, account(2)),
      ].map((call) => call.catch((error: unknown) => error as Refusal)),
    );

    expect(refusals.map((refusal) => (refusal as Refusal).options.errors)).toEqual(
      ['member_ids', 'member_ids', 'account_ids'].map((list) => [
        { field: `/${list}`, code: 'unknown_account', detail: `${list} names an account that does not exist.` },
      ]),
    );
    expect(await counted(ada)).toBe(0);
  });
});
