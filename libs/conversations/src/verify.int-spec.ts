import { newId } from '@edgechat/kernel';
import { eventually } from '@edgechat/testing';
import type { Key, ProblemKind } from './queries/problems.js';
import type { Verdict, VerifyProgress } from './queries/verify-stores.js';
import { World, ada, type Conversations } from './test-world.js';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { PurgeConversation } from './use-cases/purge-conversation.js';
import { StoredTexts } from './use-cases/stored-texts.js';

const STRANGER = '01900000-0000-7000-8000-0000000000aa';
let world: World;
beforeAll(async () => {
  world = await World.make();
});
afterAll(() => world.close());

describe('verify', () => {
  it('finds nothing where all is right, and counts what it has seen', async () => {
    await world.anew();

    expect(await world.verify()).toEqual({ conversations: 4, messages: 15, documents: 15, findings: [] });
  });

  it('finds nothing in what is still owed, nor in what was deleted', async () => {
    const { group, direct, assistant } = await world.anew();
    await world.send(group, 'owed to all');
    world.get(StoredTexts).take(); // as if the process that sent had died: what it stored stays owed
    // (On a slow machine that process had settled it before: the row is as it was then.)
    await world.run(
      `insert into edgechat.outbox (conversation_id, seq, kind, content, next_at) values ($1, 4, 'store', 'owed to all', now()) on conflict do nothing`,
      group,
    );
    await world.documents().deleteMany({ conversation_id: group, seq: 4 });
    await world.send(assistant, 'still to be answered');
    await world.get(DeleteConversation).delete(direct, ada);
    await world.get(PurgeConversation).run(direct, world.signal);

    expect((await world.verify()).findings).toEqual([]);
  });

  it.each<
    [ProblemKind, string, (conversations: Conversations) => Promise<unknown>, (conversations: Conversations) => Key]
  >([
    [
      'hole',
      'a ledger row is gone',
      ({ group }) => world.run('delete from edgechat.messages where conversation_id = $1 and seq = 2', group),
      ({ group }) => ({ conversation_id: group, seq: '3' }),
    ],
    [
      'wrong_last_seq',
      'the last ledger row is gone',
      ({ group }) => world.run('delete from edgechat.messages where conversation_id = $1 and seq = 3', group),
      ({ group }) => ({ id: group }),
    ],
    [
      'wrong_revision',
      'the revision went back',
      ({ group }) => world.run('update edgechat.conversations set revision = 3 where id = $1', group),
      ({ group }) => ({ id: group }),
    ],
    [
      'wrong_updated_at',
      'the conversation has another instant than its last message',
      ({ large }) =>
        world.run(`update edgechat.conversations set updated_at = updated_at + interval '1 ms' where id = $1`, large),
      ({ large }) => ({ id: large }),
    ],
    [
      'lost_text',
      'a document is gone',
      ({ group }) => world.documents().deleteOne({ conversation_id: group, seq: 2 }),
      ({ group }) => ({ conversation_id: group, seq: '2' }),
    ],
    [
      'foreign_document',
      'a document is of another message',
      ({ group }) => world.documents().updateOne({ conversation_id: group, seq: 2 }, { $set: { message_id: newId() } }),
      ({ group }) => ({ conversation_id: group, seq: '2' }),
    ],
    [
      'document_without_message',
      'a document is above the end',
      ({ group }) => world.aDocument(group, 4),
      ({ group }) => ({ conversation_id: group, seq: '4' }),
    ],
    [
      'document_without_message',
      'a document is below the beginning',
      ({ group }) => world.aDocument(group, 0),
      ({ group }) => ({ conversation_id: group, seq: '0' }),
    ],
    [
      'document_without_message',
      'a conversation without messages has a document',
      async () => world.aDocument(await world.conversation('group'), 1),
      () => expect.objectContaining({ seq: '1' }),
    ],
    [
      'document_without_conversation',
      'a document is of no conversation',
      () => world.aDocument(STRANGER, 7),
      () => ({ conversation_id: STRANGER, seq: '7' }),
    ],
    [
      'malformed_document',
      'a document names no conversation',
      () => world.documents().insertOne({ some: 'thing' } as never),
      () => ({ conversation_id: 'undefined', seq: 'undefined' }),
    ],
    [
      'malformed_document',
      'a place is no number',
      ({ group }) => world.aDocument(group, '2' as never),
      ({ group }) => ({ conversation_id: group, seq: '2' }),
    ],
    [
      'not_indexed',
      'an index row is gone',
      ({ group }) => world.run('delete from edgechat.search_words where conversation_id = $1 and seq = 3', group),
      ({ group }) => ({ conversation_id: group, seq: '3' }),
    ],
    [
      'wrong_member_count',
      'the count is one too high',
      ({ group }) => world.run('update edgechat.conversations set member_count = 4 where id = $1', group),
      ({ group }) => ({ id: group }),
    ],
    [
      'not_one_owner',
      'there is no owner',
      ({ group }) =>
        world.run(`update edgechat.members set role = 'admin' where conversation_id = $1 and role = 'owner'`, group),
      ({ group }) => ({ id: group }),
    ],
    [
      'not_one_owner',
      'there are two',
      ({ group }) =>
        world.run(`update edgechat.members set role = 'owner' where conversation_id = $1 and account_id = 2`, group),
      ({ group }) => ({ id: group }),
    ],
    [
      'wrong_read_mark',
      'a member has read the future',
      ({ group }) =>
        world.run('update edgechat.members set read_seq = 9 where conversation_id = $1 and account_id = 2', group),
      ({ group }) => ({ conversation_id: group, account_id: '2' }),
    ],
    [
      'member_without_inbox',
      'an inbox row is gone',
      ({ group }) => world.run('delete from edgechat.inbox where conversation_id = $1 and account_id = 3', group),
      ({ group }) => ({ conversation_id: group, account_id: '3' }),
    ],
    [
      'inbox_without_member',
      "an inbox row is a stranger's",
      ({ group }) => world.run('insert into edgechat.inbox values (4, $1, clock_timestamp())', group),
      ({ group }) => ({ account_id: '4', conversation_id: group }),
    ],
    [
      'wrong_inbox_order',
      'an inbox row is too old',
      ({ group }) =>
        world.run(
          `update edgechat.inbox set ordered_at = ordered_at - interval '1 ms' where conversation_id = $1 and account_id = 2`,
          group,
        ),
      ({ group }) => ({ conversation_id: group, account_id: '2' }),
    ],
    [
      'wrong_inbox_order',
      'an inbox row is too new',
      ({ group }) =>
        world.run(
          `update edgechat.inbox set ordered_at = ordered_at + interval '1 ms' where conversation_id = $1 and account_id = 2`,
          group,
        ),
      ({ group }) => ({ conversation_id: group, account_id: '2' }),
    ],
    [
      'wrong_inbox_order',
      'one is older than what is owed explains',
      async ({ group }) => {
        await world.send(group, 'owed');
        await world.run(
          `update edgechat.inbox set ordered_at = ordered_at - interval '1 h' where conversation_id = $1 and account_id = 2`,
          group,
        );
      },
      ({ group }) => ({ conversation_id: group, account_id: '2' }),
    ],
    [
      'wrong_inbox_order',
      'one is older than its member, though a message is owed',
      async ({ group }) => {
        await world.run(
          'update edgechat.members set joined_at = clock_timestamp() where conversation_id = $1 and account_id = 2',
          group,
        );
        await world.send(group, 'owed');
      },
      ({ group }) => ({ conversation_id: group, account_id: '2' }),
    ],
    [
      'wrong_inbox_order',
      'a large conversation has an instant',
      ({ large }) => world.giveInstant(large, 2),
      ({ large }) => ({ conversation_id: large, account_id: '2' }),
    ],
    [
      'doubled_direct',
      'a second direct conversation of the pair',
      async ({ group }) => {
        await world.run(`update edgechat.conversations set kind = 'direct', member_count = 2 where id = $1`, group);
        await world.run('delete from edgechat.members where conversation_id = $1 and account_id = 3', group);
        await world.run('delete from edgechat.inbox where conversation_id = $1 and account_id = 3', group);
      },
      ({ group }) => ({ id: group }),
    ],
    [
      'direct_without_pair',
      'the pair is gone',
      () => world.run('delete from edgechat.direct_pairs'),
      ({ direct }) => ({ id: direct }),
    ],
    [
      'wrong_members',
      "an assistant's conversation of two",
      async ({ assistant }) => {
        await world.run('update edgechat.conversations set member_count = 2 where id = $1', assistant);
        await world.run(
          `insert into edgechat.members (conversation_id, account_id, role) values ($1, 2, 'member')`,
          assistant,
        );
        await world.run(
          'insert into edgechat.inbox select 2, id, updated_at from edgechat.conversations where id = $1',
          assistant,
        );
      },
      ({ assistant }) => ({ id: assistant }),
    ],
    [
      'orphan_pair',
      'a pair without a conversation',
      () => world.run('insert into edgechat.direct_pairs values (3, 4, $1)', STRANGER),
      () => ({ low_account: '3', high_account: '4' }),
    ],
    [
      'orphan_member',
      'a member of nothing',
      () =>
        world.run(
          `insert into edgechat.members (conversation_id, account_id, role) values ($1, 2, 'member')`,
          STRANGER,
        ),
      () => ({ conversation_id: STRANGER, account_id: '2' }),
    ],
    [
      'orphan_message',
      'a message of nothing',
      () =>
        world.run(
          `insert into edgechat.messages values ($1, 1, gen_random_uuid(), 1, null, '', null, now())`,
          STRANGER,
        ),
      () => ({ conversation_id: STRANGER, seq: '1' }),
    ],
    [
      'orphan_reply',
      'a reply of nothing',
      () =>
        world.run(
          `insert into edgechat.replies (conversation_id, question_seq, id, account_id, status, next_at, accepted_at, deadline_at) values ($1, 1, gen_random_uuid(), 1, 'failed', now(), now(), now())`,
          STRANGER,
        ),
      () => ({ conversation_id: STRANGER, question_seq: '1' }),
    ],
    [
      'orphan_debt',
      'a debt of nothing',
      () => world.run(`insert into edgechat.outbox values ($1, 1, 'store', 'x', 0, now())`, STRANGER),
      () => ({ conversation_id: STRANGER, kind: 'store', seq: '1' }),
    ],
    [
      'orphan_debt',
      'a debt above the end',
      ({ group }) => world.run(`insert into edgechat.outbox values ($1, 9, 'search', null, 0, now())`, group),
      ({ group }) => ({ conversation_id: group, kind: 'search', seq: '9' }),
    ],
    [
      'orphan_index_row',
      'an index row of nothing',
      () => world.run(`insert into edgechat.search_words values ($1, 1, 1, now(), '')`, STRANGER),
      () => ({ conversation_id: STRANGER, seq: '1' }),
    ],
    [
      'orphan_index_row',
      'an index row above the end',
      ({ group }) => world.run(`insert into edgechat.search_words values ($1, 9, 1, now(), '')`, group),
      ({ group }) => ({ conversation_id: group, seq: '9' }),
    ],
    [
      'done_without_answer',
      "a reply's answer is another message",
      ({ assistant }) =>
        world.run(
          'update edgechat.replies set answer_seq = 1 where conversation_id = $1 and question_seq = 1',
          assistant,
        ),
      ({ assistant }) => ({ conversation_id: assistant, question_seq: '1' }),
    ],
    [
      'answer_without_reply',
      "an answer's reply is not done",
      ({ assistant }) =>
        world.run(
          `update edgechat.replies set status = 'failed' where conversation_id = $1 and question_seq = 1`,
          assistant,
        ),
      ({ assistant }) => ({ conversation_id: assistant, seq: '4' }),
    ],
    [
      'overdue_reply',
      'a reply is open for ever',
      async ({ assistant }) => {
        await world.send(assistant, 'asked');
        await world.run(
          `update edgechat.replies set deadline_at = clock_timestamp() - interval '61 s' where conversation_id = $1 and status = 'queued'`,
          assistant,
        );
      },
      ({ assistant }) => ({ conversation_id: assistant, question_seq: '7' }),
    ],
    [
      'stuck_debt',
      'a debt was tried in vain',
      async ({ group }) => {
        await world.send(group, 'owed');
        await world.run(
          `update edgechat.outbox set attempts = 3, next_at = clock_timestamp() + interval '1 h' where conversation_id = $1 and kind = 'search'`,
          group,
        );
      },
      ({ group }) => ({ conversation_id: group, kind: 'search', seq: '4' }),
    ],
    [
      'stuck_debt',
      'a debt is overdue',
      async ({ group }) => {
        await world.send(group, 'owed');
        await world.run(
          `update edgechat.outbox set next_at = clock_timestamp() - interval '61 s' where conversation_id = $1 and kind = 'fan_out'`,
          group,
        );
      },
      ({ group }) => ({ conversation_id: group, kind: 'fan_out', seq: '4' }),
    ],
    [
      'deleted_without_purge',
      'nobody owes the purge',
      async ({ group }) => {
        await world.get(DeleteConversation).delete(group, ada);
        await world.run(`delete from edgechat.outbox where conversation_id = $1`, group);
      },
      ({ group }) => ({ id: group }),
    ],
  ])('names %s: %s', async (kind, _, harm, where) => {
    const conversations = await world.anew();
    await harm(conversations);

    expect((await world.found())[kind]).toContainEqual(where(conversations));
  });

  it('names what a unique key should have kept away', async () => {
    const { group } = await world.anew();
    await world.documents().dropIndex('place');
    await world.run('alter table edgechat.messages drop constraint messages_pkey');
    await world.aDocument(group, 2);
    await world.run(
      `insert into edgechat.messages select conversation_id, seq, gen_random_uuid(), author, client_key, content_hash, answers_seq, created_at from edgechat.messages where conversation_id = $1 and seq = 3`,
      group,
    );

    const kinds = await world.found();
    await world.run('delete from edgechat.messages');
    await world.documents().deleteMany({});
    await world.run('alter table edgechat.messages add primary key (conversation_id, seq)');
    await world.prepare();

    expect(kinds.doubled_document).toEqual([{ conversation_id: group, seq: '2' }]);
    expect(kinds.doubled_seq).toContainEqual({ conversation_id: group, seq: '3' });
  });

  it('gives the first 20 of a kind and counts all, page after page', async () => {
    const { group } = await world.anew();
    await world.run(
      `insert into edgechat.messages select $1, n, gen_random_uuid(), 1, null, '', null, now() from generate_series(4, 2503) n`,
      group,
    );
    await world.run(
      'update edgechat.conversations set last_seq = 2503, revision = 9999, updated_at = now() where id = $1',
      group,
    );
    await world.run(
      `insert into edgechat.search_words select conversation_id, seq, author, created_at, '' from edgechat.messages where conversation_id = $1 on conflict do nothing`,
      group,
    );

    const { findings, messages } = await world.verify();
    const lost = findings.find(({ kind }) => kind === 'lost_text');

    expect([lost?.count, lost?.first.length, lost?.first[0], messages]).toEqual([
      2_500,
      20,
      { conversation_id: group, seq: '4' },
      2_515,
    ]);
  });

  it('passes over what only looks wrong for a moment, and tells nothing of it', async () => {
    const { group } = await world.anew();
    await world.run('delete from edgechat.search_words where conversation_id = $1 and seq = 3', group);
    const progress: VerifyProgress = { stage: '', done: 0, total: 0, suspects: 0 };

    const verifying = world.verify([2_000], progress);
    await eventually(() => progress.suspects > 0, { everyMs: 5 });
    await world.run(
      `insert into edgechat.search_words select conversation_id, seq, author, created_at, '' from edgechat.messages where conversation_id = $1 and seq = 3`,
      group,
    );

    expect((await verifying).findings).toEqual([]);
  });

  it('finds nothing while people send, join, leave and delete', async () => {
    const conversations = await world.anew();
    const verdicts: Verdict[] = [];

    await world.busy(conversations, async () => {
      for (let n = 0; n < 5; n += 1) verdicts.push(await world.verify([50, 200, 500, 1_000]));
    });

    expect(verdicts.map(({ findings }) => findings)).toEqual([[], [], [], [], []]);
    expect(verdicts[4]?.messages).toBeGreaterThan(Number(verdicts[0]?.messages));
  }, 60_000);
});
