import { World } from './test-world.js';

let world: World;
beforeAll(async () => {
  world = await World.make();
});
afterAll(() => world.close());

describe('verify', () => {
  it('lists accounts that have one mailbox, and whose mailbox is not known, and nobody beside them', async () => {
    await world.anew();
    await world.run(
      `insert into edgechat.accounts (email, email_key, password_hash, shared_mailbox_key)
       select e, e, '', 'x@xn--bcher-kva.example' from unnest($1::text[]) e`,
      ['x@bücher.example', 'x@xn--bcher-kva.example', 'x@ｂücher.example'],
    );
    const [{ id: late } = { id: 0 }] = await world.run<{ id: number }>(
      `insert into edgechat.accounts (email, email_key, password_hash) values ('l@bücher.example', 'l@bücher.example', '') returning id`,
    );
    await world.run(
      `insert into edgechat.accounts (email, email_key, password_hash, mailbox_key) values ('b@bücher.example', 'b@bücher.example', '', 'b@xn--bcher-kva.example')`,
    );
    const shared = (
      await world.run<{ id: number }>(
        'select id from edgechat.accounts where shared_mailbox_key is not null order by id',
      )
    ).map(({ id }) => String(id));

    expect((await world.verify()).findings).toEqual([
      {
        kind: 'shared_mailbox',
        count: 2,
        first: shared.slice(1).map((id) => ({ account_id: shared[0], other_account_id: id })),
      },
      { kind: 'mailbox_key_missing', count: 1, first: [{ account_id: String(late) }] },
    ]);
  });
});
