import type { ConversationId } from '@edgechat/kernel';
import { World } from './test-world.js';
import { RebuildInbox, type InboxProgress } from './use-cases/rebuild-inbox.js';

const STRANGER = '01900000-0000-7000-8000-0000000000aa';
let world: World;
beforeAll(async () => {
  world = await World.make();
});
afterAll(() => world.close());

describe('rebuild inbox', () => {
  const rebuild = async (only: ConversationId | null = null): Promise<InboxProgress> => {
    const progress: InboxProgress = { done: 0, total: 0, written: 0, removed: 0, counted: 0 };
    await world.get(RebuildInbox).run(only, progress, world.signal);
    return progress;
  };

  it('changes nothing where all is right', async () => {
    await world.anew();

    expect(await rebuild()).toEqual({ done: 10, total: 10, written: 0, removed: 0, counted: 0 });
  });

  it('makes all inboxes anew from conversations and members', async () => {
    const { large } = await world.anew();
    await world.run('delete from edgechat.inbox where account_id in (1, 3)');
    await world.run('update edgechat.conversations set is_large = false where id = $1', large);
    await world.run('update edgechat.inbox set ordered_at = now()');
    await world.run('insert into edgechat.inbox values (4, $1, now())', STRANGER);
    await world.run(
      `insert into edgechat.inbox select 4, id, now() from edgechat.conversations on conflict do nothing`,
    );
    await world.run('update edgechat.conversations set member_count = 7');

    expect(await rebuild()).toMatchObject({ written: 10, removed: 4, counted: 4 });

    expect((await world.verify()).findings).toEqual([]);
    expect(await world.run('select is_large from edgechat.conversations where id = $1', large)).toEqual([
      { is_large: true },
    ]);
    expect(await rebuild()).toMatchObject({ written: 0, removed: 0, counted: 0 });
  });

  it('puts a conversation where its member came, if nothing was said since', async () => {
    const { group, large } = await world.anew();
    await world.run(
      `update edgechat.members set joined_at = '2099-01-01' where account_id = 2 and conversation_id in ($1, $2)`,
      group,
      large,
    );

    expect(await rebuild()).toMatchObject({ written: 1, removed: 0, counted: 0 });

    expect(
      await world.run(
        `select count(*)::int as n from edgechat.inbox where account_id = 2 and conversation_id = $1 and ordered_at = '2099-01-01'`,
        group,
      ),
    ).toEqual([{ n: 1 }]);
    expect((await world.verify()).findings).toEqual([]);
  });

  it('of one conversation leaves the others alone', async () => {
    const { group, direct } = await world.anew();
    await world.run('delete from edgechat.inbox where account_id = 2');
    await world.run('insert into edgechat.inbox values (4, $1, now()), (4, $2, now())', group, direct);

    expect(await rebuild(group)).toMatchObject({ written: 1, removed: 1 });

    const kinds = await world.found();
    expect([
      kinds.inbox_without_member,
      kinds.member_without_inbox?.some(({ conversation_id }) => conversation_id === group),
    ]).toEqual([[{ account_id: '4', conversation_id: direct }], false]);
  });

  it('goes on beside sends and changes of members, and what comes of both is right', async () => {
    const conversations = await world.anew();

    await world.busy(conversations, async () => {
      for (let n = 0; n < 10; n += 1) {
        await world.run('update edgechat.inbox set ordered_at = now() where account_id = 3');
        await Promise.all([rebuild(), rebuild(conversations.group)]);
      }
    });

    expect((await world.verify()).findings).toEqual([]);
  }, 60_000);
});
