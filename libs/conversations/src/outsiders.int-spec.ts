import type { AccountId, ConversationId } from '@edgechat/kernel';
import { eventually, sql } from '@edgechat/testing';
import pg from 'pg';
import { ListMembers } from './queries/list-members.js';
import { ReadMessages } from './queries/read-messages.js';
import { ChangeConversation } from './use-cases/change-conversation.js';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { MarkRead } from './use-cases/mark-read.js';
import { account, People } from './test-people.js';

let people: People;
const [ada, bob, outsider, another] = [1, 2, 3, 4].map(account) as [AccountId, AccountId, AccountId, AccountId];
beforeAll(async () => {
  people = await People.start(500);
}, 60_000);
afterAll(() => people.close());

/** Every call that somebody can make of a conversation. */
const CALLS: readonly (readonly [string, (id: ConversationId, who: AccountId) => Promise<unknown>])[] = [
  ['sends', (id, who) => people.send(id, who)],
  ['sends with a key', (id, who) => people.send(id, who, 'hello', 'key')],
  ['asks the assistant', (id, who) => people.send(id, who, '@assistant, are you there?')],
  ['changes it', (id, who) => people.process.get(ChangeConversation).change(id, who, { title: 'mine' })],
  ['deletes it', (id, who) => people.process.get(DeleteConversation).delete(id, who)],
  ['adds somebody', (id, who) => people.add(id, who, another)],
  ['removes somebody', (id, who) => people.remove(id, who, bob)],
  ['leaves it', (id, who) => people.remove(id, who, who)],
  ['gives a role', (id, who) => people.give(id, who, bob, 'admin')],
  ['reads it', (id, who) => people.messages(id, who)],
  ['marks it as read', (id, who) => people.process.get(MarkRead).upTo(id, who, 1)],
  ['lists who is in it', (id, who) => people.process.get(ListMembers).page(id, who, 10, null)],
  ['reads one message', (id, who) => people.process.get(ReadMessages).one(id, who, 1)],
];
const waiting = (like: string) =>
  sql(
    people.stores.env.DATABASE_URL,
    `select 1 as waits from pg_stat_activity where wait_event_type = 'Lock' and query like $1 and datname = current_database()`,
    [`%${like}%`],
  );

async function aRival(): Promise<pg.Client> {
  const rival = new pg.Client(people.stores.env.DATABASE_URL);
  await rival.connect();
  await rival.query('begin');
  return rival;
}

/** A transaction of a member that holds a conversation, until `end`. */
async function held(id: ConversationId): Promise<pg.Client> {
  const rival = await aRival();
  await rival.query('select 1 from edgechat.conversations where id = $1 for update', [id]);
  return rival;
}

describe('an outsider who knows a conversation', () => {
  it.each(CALLS)('who %s is told that it is not there, without waiting for a member who holds it', async (_, call) => {
    const id = await people.group(ada, bob);
    const member = await held(id);

    // (The lock is held until the answer is there: who waited for it would be answered otherwise, and never so.)
    await expect(call(id, outsider)).rejects.toMatchObject({ code: 'conversation_not_found' });

    await member.query('rollback');
    await member.end();
    await people.send(id, ada);
  });

  it('gets no lock that a member could wait for: what is held in a transaction is had by the members', async () => {
    const id = await people.group(ada, bob);
    const rival = await aRival();
    await rival.query('select * from edgechat.send_messages($1::json, null, null, null, null, null, null)', [
      JSON.stringify([
        { n: 0, conversation_id: id, author: outsider, content: 'x', content_hash: 'x', message_id: id },
      ]),
    ]);

    // The outsider's transaction goes on.
    await people.send(id, ada);
    await people.process.get(ChangeConversation).change(id, ada, { title: 'ours' });

    await rival.query('commit');
    await rival.end();
    expect((await people.messages(id, bob)).map(({ content }) => content)).toEqual(['hello']);
  });

  it('sends in one batch with members, whose messages go through', async () => {
    const [mine, theirs] = [await people.group(ada, bob), await people.group(ada, bob)];

    const fates = await Promise.allSettled([
      people.send(mine, ada, 'one'),
      people.send(theirs, outsider),
      people.send(mine, outsider),
      people.send(mine, bob, 'two'),
    ]);

    expect(fates.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect((await people.messages(mine, ada)).map(({ content }) => content)).toEqual(['one', 'two']);
  });

  it.each([
    ['sends', 'send_messages', (id: ConversationId) => people.send(id, bob)],
    [
      'changes it',
      'for update of c',
      (id: ConversationId) => people.process.get(ChangeConversation).change(id, bob, { title: 'mine' }),
    ],
  ])('is who was removed while the lock was waited for, and %s', async (_, statement, call) => {
    const id = await people.group(ada, bob);
    await people.give(id, ada, bob, 'admin');
    const rival = await held(id);

    const fate = call(id).then(
      () => 'done',
      (error: unknown) => error,
    );
    await eventually(async () => (await waiting(statement)).length === 1);
    await rival.query('delete from edgechat.members where conversation_id = $1 and account_id = $2', [id, bob]);
    await rival.query('commit');
    await rival.end();

    expect(await fate).toMatchObject({ code: 'conversation_not_found' });
    expect(await people.messages(id, ada)).toEqual([]);
  });
});
