import { accountId, newReplyId, type AccountId, type ConversationId, type ReplyId } from '@edgechat/kernel';
import { Postgres } from '@edgechat/platform/postgres';
import { eventually, sql } from '@edgechat/testing';
import pg from 'pg';
import type { AnswerSend, PersonSend } from './index.js';
import { sendBatch } from './persistence/send-batch.js';
import { ListConversations } from './queries/list-conversations.js';
import { ReadMessages } from './queries/read-messages.js';
import { ChangeConversation } from './use-cases/change-conversation.js';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { FanOutMessages } from './use-cases/fan-out-messages.js';
import { MarkRead } from './use-cases/mark-read.js';
import { account, accounts, People } from './test-people.js';

/** Members above which a conversation is large here. */
const WRITE_LIMIT = 5;

let people: People;
const [ada, bob] = [account(1), account(2)];
const { signal } = new AbortController();
const rows = <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
  sql<Row>(people.stores.env.DATABASE_URL, text, values);

beforeAll(async () => {
  people = await People.start(WRITE_LIMIT);
}, 60_000);
afterAll(() => people.close());

/** A transaction of a rival, in the middle. */
async function aRival(
  ...statements: readonly (readonly [string, readonly unknown[]])[]
): Promise<{ commit(): Promise<void> }> {
  const rival = new pg.Client(people.stores.env.DATABASE_URL);
  await rival.connect();
  await rival.query('begin');
  for (const [text, values] of statements) await rival.query(text, [...values]);
  return {
    commit: async () => {
      await rival.query('commit');
      await rival.end();
    },
  };
}

/** Resolves once a statement with this in its text waits for a lock. */
const waits = (text: string) =>
  eventually(
    async () =>
      (
        await rows(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like $1 and datname = current_database()`,
          [`%${text}%`],
        )
      ).length > 0,
  );

const aSend = (
  conversationId: ConversationId,
  authorId: AccountId,
  content = 'question',
  clientKey: string | null = null,
): PersonSend => ({
  by: 'person',
  conversationId,
  authorId,
  clientKey,
  content,
  replyId: newReplyId(),
  answerWithinMs: 60_000,
});
const anAnswer = (conversationId: ConversationId, replyId: ReplyId, epoch: number, content = 'answer'): AnswerSend => ({
  by: 'assistant',
  conversationId,
  replyId,
  questionSeq: 1,
  epoch,
  content,
  provider: 'p',
  model: 'm',
  tokensIn: 1,
  tokensOut: 1,
  finishReason: 'stop',
});
const batch = (...sends: Parameters<typeof sendBatch>[1]) =>
  sendBatch(people.process.get(Postgres, { strict: false }), sends);

/** A question that a worker answers just now, in epoch 2. */
async function aRunningReply(
  deadline = `clock_timestamp() + interval '1 minute'`,
): Promise<{ id: ConversationId; replyId: ReplyId }> {
  const { id } = await people.make(ada, 'assistant');
  const { reply } = await people.send(id, ada, 'question', 'k');
  if (reply === null) throw new Error('no answer is owed');
  await rows(
    `update edgechat.replies set status = 'running', epoch = 2, deadline_at = ${deadline}, lease_until = clock_timestamp() + interval '1 minute' where conversation_id = $1`,
    [id],
  );
  return { id, replyId: reply.id };
}

describe('a batch of sends that concern each other', () => {
  it('writes no answer of a run that lost its reply, though the answer of the run that has it comes with it', async () => {
    const { id, replyId } = await aRunningReply();

    const fates = await batch(anAnswer(id, replyId, 1, 'of the lost run'), anAnswer(id, replyId, 2, 'of the run'));

    expect(fates.map(({ outcome, seq }) => [outcome, seq])).toEqual([
      ['replayed', 2],
      ['sent', 2],
    ]);
    expect(
      await rows(`select content from edgechat.outbox where conversation_id = $1 and seq = 2 and kind = 'store'`, [id]),
    ).toEqual([{ content: 'of the run' }]);
  });

  it('asks for no answer anew that comes with the repeat of its question, however late it is', async () => {
    const { id, replyId } = await aRunningReply(`clock_timestamp() - interval '1 second'`);

    const fates = await batch(aSend(id, ada, 'question', 'k'), anAnswer(id, replyId, 2));

    expect(fates.map(({ outcome, seq, reply_status }) => [outcome, seq, reply_status])).toEqual([
      ['replayed', 1, 'done'],
      ['sent', 2, 'done'],
    ]);
    expect(await rows('select status, answer_seq from edgechat.replies where conversation_id = $1', [id])).toEqual([
      { status: 'done', answer_seq: 2 },
    ]);
    expect(await rows('select 1 as charged from edgechat.answer_usage where conversation_id = $1', [id])).toHaveLength(
      1,
    );
  });

  it('asks once for a failed answer anew, though its question is repeated twice, and first with another content', async () => {
    const { id } = await aRunningReply();
    await rows(`update edgechat.replies set status = 'failed' where conversation_id = $1`, [id]);

    const fates = await batch(
      aSend(id, ada, 'another', 'k'),
      aSend(id, ada, 'question', 'k'),
      aSend(id, ada, 'question', 'k'),
    );

    expect(fates.map(({ outcome, reply_status }) => [outcome, reply_status])).toEqual([
      ['key_reused', null],
      ['replayed', 'queued'],
      ['replayed', 'queued'],
    ]);
    expect(await rows('select status, epoch from edgechat.replies where conversation_id = $1', [id])).toEqual([
      { status: 'queued', epoch: 3 },
    ]);
  });

  it('refuses what is for nobody, or for a deleted conversation, and takes the rest, whose order has no hole', async () => {
    const [one, gone] = [await people.group(ada, bob), await people.group(ada, bob)];
    await people.process.get(DeleteConversation).delete(gone, ada);

    const fates = await batch(
      aSend(gone, ada),
      aSend(one, ada),
      aSend(one, account(3)),
      aSend(one, account(999_999)),
      anAnswer(gone, newReplyId(), 1),
      anAnswer(one, newReplyId(), 1),
      aSend(one, bob),
    );

    expect(fates.map(({ outcome, seq }) => [outcome, seq])).toEqual([
      ['not_found', null],
      ['sent', 1],
      ['not_found', null],
      ['not_found', null],
      ['not_found', null],
      ['stale', null],
      ['sent', 2],
    ]);
  });

  it('charges who asked, and gives them no inbox row back, when they have left', async () => {
    const id = await people.group(ada, bob);
    const { reply } = await people.send(id, bob, '@assistant, are you there?');
    await rows(`update edgechat.replies set status = 'running' where conversation_id = $1`, [id]);
    await people.remove(id, bob, bob);

    const [fate] = await batch(anAnswer(id, reply?.id ?? newReplyId(), 1));

    expect(fate?.outcome).toBe('sent');
    expect(await rows('select account_id from edgechat.answer_usage where conversation_id = $1', [id])).toEqual([
      { account_id: 2 },
    ]);
    expect(await rows('select account_id from edgechat.inbox where conversation_id = $1', [id])).toEqual([
      { account_id: 1 },
    ]);
  });
});

describe('a read mark', () => {
  it('is told as far as it was moved, though a send of the same person had to be waited for', async () => {
    const id = await people.group(ada, bob);
    for (let n = 0; n < 3; n += 1) await people.send(id, bob);
    const rival = await aRival([
      'select * from edgechat.send_messages($1)',
      [
        JSON.stringify([
          {
            n: 0,
            conversation_id: id,
            author: 1,
            client_key: null,
            content: 'x',
            content_hash: 'x',
            message_id: newReplyId(),
            mentions_assistant: false,
          },
        ]),
      ],
    ]);

    const marking = people.process.get(MarkRead).upTo(id, ada, 3);
    await waits('update edgechat.members m set read_seq');
    await rival.commit();

    expect(await marking).toEqual({ readSeq: 3, unreadCount: 0 });
    expect(await people.process.get(ListConversations).find(ada, id)).toMatchObject({ readSeq: 4, lastSeq: 4 });
  });
});

describe('a conversation that becomes large', () => {
  it('stays ordered on reading, though a delivery of before, of the release before, comes after', async () => {
    const id = await people.group(ada, bob);
    await people.send(id, ada);
    await people.add(id, ada, ...accounts(20, WRITE_LIMIT));

    // As the release before delivers.
    await rows(
      `with live as (select id, updated_at from edgechat.conversations where id = $1 and deleted_at is null for key share)
       insert into edgechat.inbox as i (account_id, conversation_id, ordered_at) select m.account_id, live.id, clock_timestamp() from live join edgechat.members m on m.conversation_id = live.id order by m.account_id
       on conflict (account_id, conversation_id) do update set ordered_at = excluded.ordered_at where i.ordered_at < excluded.ordered_at`,
      [id],
    );
    await people.process.get(FanOutMessages).run(id, signal);

    expect(
      await rows(
        `select count(*)::int as n from edgechat.inbox where conversation_id = $1 and ordered_at = '-infinity'`,
        [id],
      ),
    ).toEqual([{ n: WRITE_LIMIT + 2 }]);
  });

  it('is the last for who is in 499 already, however many take them in at once', async () => {
    const full = account(71);
    await rows(`insert into edgechat.inbox select $1, gen_random_uuid(), '-infinity' from generate_series(1, 499)`, [
      full,
    ]);
    const nearly = await Promise.all(
      Array.from({ length: 3 }, () => people.group(ada, ...accounts(80, WRITE_LIMIT - 1))),
    );

    const fates = await Promise.allSettled([
      ...nearly.map((id) => people.add(id, ada, full)),
      people.make(ada, 'group', [full, ...accounts(80, WRITE_LIMIT)]),
    ]);

    expect(fates.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await rows(`select count(*)::int as n from edgechat.inbox where account_id = $1`, [full])).toEqual([
      { n: 500 },
    ]);
  });

  it('has at most 10,000 members, though two add the last one at once', async () => {
    const id = await people.group(ada, ...accounts(2, WRITE_LIMIT));
    await rows(
      `insert into edgechat.members (conversation_id, account_id, role) select $1, n, 'member' from generate_series(3 + $2::int, 9999) n`,
      [id, WRITE_LIMIT - 1],
    );
    await rows('update edgechat.conversations set member_count = 9999 where id = $1', [id]);

    const fates = await Promise.allSettled([
      people.add(id, ada, account(10_001)),
      people.add(id, ada, account(10_002)),
      people.add(id, ada, account(10_002)),
    ]);

    expect(fates.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
    expect(
      await rows(
        'select member_count, (select count(*)::int from edgechat.members m where m.conversation_id = c.id) as members from edgechat.conversations c where id = $1',
        [id],
      ),
    ).toEqual([{ member_count: 10_000, members: 10_000 }]);
  });
});

describe('any mix of sends, deliveries, changes and deletions at once', () => {
  it('leaves a ledger without holes and an inbox row for each member and nobody else, and never waits in a circle', async () => {
    const [{ now: begunAt } = raise()] = await rows<{ now: Date }>('select clock_timestamp() as now, pg_stat_reset()');
    const seed = Date.now() % 1_000_000;
    let state = seed;
    const pick = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    const who = (): AccountId => accountId(301 + pick(9));
    const ids = await Promise.all(Array.from({ length: 3 }, () => people.group(account(301), ...accounts(302, 3))));
    const which = (): ConversationId => ids[pick(ids.length)] ?? ids[0] ?? raise();
    const acts: readonly (() => Promise<unknown>)[] = [
      () => people.send(which(), who(), '@assistant', `key ${pick(50)}`),
      () => people.send(which(), who()),
      () => people.add(which(), who(), who(), who(), who()),
      () => people.remove(which(), who(), who()),
      () => {
        const one = who();
        return people.remove(which(), one, one);
      },
      () => people.give(which(), who(), who(), pick(2) ? 'owner' : 'admin'),
      () => people.process.get(FanOutMessages).run(which(), signal),
      () => people.process.get(MarkRead).upTo(which(), who(), pick(100)),
      () => people.process.get(ChangeConversation).change(which(), who(), { title: `${pick(9)}` }),
      async () => {
        const { id } = await people.make(who(), 'direct', [who()]);
        return pick(3) ? people.send(id, who()) : people.process.get(DeleteConversation).delete(id, who());
      },
      () => people.inbox(who()),
    ];
    const bugs: unknown[] = [];
    const isRefusal = (error: unknown): boolean =>
      error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[a-z_]+$/.test(error.code);

    for (let round = 0; round < 25; round += 1) {
      await Promise.all(
        Array.from({ length: 24 }, () =>
          (acts[pick(acts.length)] ?? raise)().catch((error: unknown) => void (isRefusal(error) || bugs.push(error))),
        ),
      );
    }
    for (const { id } of await rows<{ id: ConversationId }>(
      'select id from edgechat.conversations where deleted_at is null and created_at >= $1',
      [begunAt],
    ))
      await people.process.get(FanOutMessages).run(id, signal);

    const wrong = await rows(
      `select * from (select c.id, 'count' as what from edgechat.conversations c where member_count <> (select count(*) from edgechat.members m where m.conversation_id = c.id)
       union all select c.id, 'owner' from edgechat.conversations c where deleted_at is null and (select count(*) from edgechat.members m where m.conversation_id = c.id and m.role = 'owner') <> 1
       union all select conversation_id, 'inbox' from edgechat.inbox i full join edgechat.members m using (account_id, conversation_id) where i.ordered_at is null or m.role is null
       union all select c.id, 'order' from edgechat.inbox i join edgechat.conversations c on c.id = i.conversation_id join edgechat.members m on m.conversation_id = i.conversation_id and m.account_id = i.account_id where i.ordered_at <> case when c.is_large then '-infinity' else greatest(c.updated_at, m.joined_at) end
       union all select c.id, 'large' from edgechat.conversations c where member_count > $1 and not is_large
       union all select c.id, 'holes' from edgechat.conversations c where last_seq <> (select count(*) from edgechat.messages m where m.conversation_id = c.id)
       union all select c.id, 'mark' from edgechat.members m join edgechat.conversations c on c.id = m.conversation_id where m.read_seq > c.last_seq
       union all select p.conversation_id, 'pair' from edgechat.direct_pairs p left join edgechat.conversations c on c.id = p.conversation_id and c.deleted_at is null where c.id is null
       union all select c.id, 'no pair' from edgechat.conversations c where kind = 'direct' and deleted_at is null and not exists (select from edgechat.direct_pairs p where p.conversation_id = c.id)
       union all select conversation_id, 'debt' from edgechat.outbox where kind = 'fan_out') wrong where id in (select id from edgechat.conversations where created_at >= $2)`,
      [WRITE_LIMIT, begunAt],
    );
    const [stats] = await rows<{ deadlocks: string }>(
      'select deadlocks from pg_stat_database where datname = current_database()',
    );
    expect({ seed, wrong, bugs, deadlocks: Number(stats?.deadlocks) }).toEqual({
      seed,
      wrong: [],
      bugs: [],
      deadlocks: 0,
    });
  }, 60_000);
});

describe('guarantee 8: cost does not grow with age, where the plans were made among short conversations', () => {
  it('a conversation, a page, a mark and places read as many rows in a conversation of 5,000 messages as in one of 5', async () => {
    const make = async (messages: number): Promise<ConversationId> => {
      const id = await people.group(ada, bob);
      await rows(
        `insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at) select $1, n, gen_random_uuid(), 2, '', clock_timestamp() from generate_series(1, $2::int) n`,
        [id, messages],
      );
      await rows(
        `insert into edgechat.outbox (conversation_id, seq, kind, content, next_at) select $1, n, 'store', 'x', clock_timestamp() from generate_series($2::int - 9, $2::int) n where n > 0`,
        [id, messages],
      );
      await rows('update edgechat.conversations set last_seq = $2 where id = $1', [id, messages]);
      return id;
    };
    for (let n = 0; n < 60; n += 1) await make(1);
    await rows('analyze');
    const [short, long] = [await make(5), await make(5_000)];

    const [few, many] = [await rowsReadBy(short, 5), await rowsReadBy(long, 5_000)];

    expect(many).toEqual(few);
    expect(Math.max(...many)).toBeLessThan(60);
  }, 60_000);

  class Counted extends Error {
    constructor(readonly counts: number[]) {
      super('counted and rolled back');
    }
  }

  /** Rows and index entries read by each look, on a connection that settled on its plans. */
  async function rowsReadBy(id: ConversationId, messages: number): Promise<number[]> {
    const ROWS_READ = {
      name: 'test.rows_read',
      text: `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as n from pg_stat_xact_user_tables where schemaname = 'edgechat'`,
    };
    const ENTRIES_READ = {
      name: 'test.entries_read',
      text: `select sum(pg_stat_get_xact_tuples_returned(indexrelid))::int as n from pg_stat_user_indexes where schemaname = 'edgechat'`,
    };
    const fate: unknown = await people.process
      .get(Postgres, { strict: false })
      .transaction(async (own) => {
        // The readers as they ship, on a connection that counts.
        const on = <T>(type: abstract new (...args: never[]) => T): T =>
          Object.assign(Object.create(people.process.get(type)) as T & object, { postgres: own }) as T;
        const looks = [
          () => on(ListConversations).find(ada, id),
          () => on(ReadMessages).page(id, ada, { direction: 'before', from: Number.MAX_SAFE_INTEGER, limit: 5 }),
          () => on(ReadMessages).placesWithin(ada, [{ conversationId: id, seq: messages }], 1_000),
          () => on(MarkRead).upTo(id, ada, 1),
        ];
        await own.query({ name: 'test.generic', text: 'set local plan_cache_mode = force_generic_plan' });
        const count = async (): Promise<number> =>
          ((await own.query<{ n: number }>(ROWS_READ))[0]?.n ?? NaN) +
          ((await own.query<{ n: number }>(ENTRIES_READ))[0]?.n ?? NaN);
        const counts: number[] = [];
        for (const look of looks) {
          await look();
          const before = await count();
          await look();
          counts.push((await count()) - before);
        }
        throw new Counted(counts);
      })
      .catch((error: unknown) => error);
    if (fate instanceof Counted) return fate.counts;
    throw fate;
  }
});

function raise(): never {
  throw new Error('nothing there');
}
