import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { ownDatabase, sql } from '@edgechat/testing';
import { DataSource } from 'typeorm';
import { dataSourceOptions, MIGRATIONS } from './data-source.js';
import { migrate } from './migrate.js';
import { Strangers1795651600000 } from './migrations/1795651600000-strangers.js';

describe('the migration that makes ids random and counts strangers', () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>;
  const run = <Row extends object = Record<string, unknown>>(text: string, values: unknown[] = []) =>
    sql<Row>(database.url, text, values);
  const [there, made] = ['019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5f', '019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e60'];
  const account = async (name: string): Promise<number> => {
    const [row] = await run<{ id: string }>(
      `insert into edgechat.accounts (email, email_key, password_hash) values ($1, $1, '') returning id`,
      [name],
    );
    return Number(row?.id);
  };
  /** As the release before makes a group and sends. */
  const makeGroup = (id: string, ...others: number[]) =>
    run(`select * from edgechat.make_conversation($1, 1, 'group', null, 'off', null, 'h', $2::bigint[], 500, 500)`, [
      id,
      others,
    ]);
  const send = (conversation_id: string) =>
    run('select outcome from edgechat.send_messages($1::json, null, null, null, null, null, null)', [
      JSON.stringify([
        {
          n: 0,
          conversation_id,
          author: 1,
          client_key: null,
          content: 'x',
          content_hash: 'x',
          message_id: '019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e61',
          mentions_assistant: false,
        },
      ]),
    ]);

  beforeAll(async () => {
    database = await ownDatabase();
    const [config, log] = [loadConfig({ DATABASE_URL: database.url }, 'worker'), new Log('test', 'silent')];
    await run('create schema edgechat');
    const before = MIGRATIONS.slice(0, MIGRATIONS.indexOf(Strangers1795651600000));
    const source = await new DataSource({
      ...dataSourceOptions(config, log, 'test'),
      migrations: before,
    }).initialize();
    await source.runMigrations();
    await source.destroy();
    for (const name of ['one', 'two']) await account(name);
    await makeGroup(there, 2);

    await migrate(config, log);
  });
  afterAll(() => database.drop());

  it('leaves the ids that there are, and gives random ones to accounts that the release before makes', async () => {
    const id = await account('three');

    expect(await run('select id::int from edgechat.accounts where id < 4294967296 order by id')).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
    expect([id >= 2 ** 32, Number.isSafeInteger(id)]).toEqual([true, true]);
  });

  it('takes who was a member before for one who has sent, and who came later for one who has not until they do', async () => {
    expect(await makeGroup(made, 2)).toMatchObject([{ outcome: 'created', conversation_id: made }]);
    const sent = (id: string) =>
      run('select account_id::int, has_sent from edgechat.members where conversation_id = $1 order by 1', [id]);

    expect(await sent(there)).toEqual([1, 2].map((account_id) => ({ account_id, has_sent: true })));
    expect(await sent(made)).toEqual([1, 2].map((account_id) => ({ account_id, has_sent: false })));
    expect(await send(made)).toEqual([{ outcome: 'sent' }]);
    expect(await sent(made)).toEqual([1, 2].map((account_id) => ({ account_id, has_sent: account_id === 1 })));
  });

  it('answers the release before as ever: whether somebody is in too many large groups', async () => {
    expect(await run('select edgechat.too_many_large(array[1, 2]::bigint[], 500) as is_so')).toEqual([
      { is_so: false },
    ]);
  });
});
