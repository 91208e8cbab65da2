import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { ownDatabase, sql } from '@edgechat/testing';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source.js';
import { First1795478400000 } from './migrations/1795478400000-first.js';
import { migrate } from './migrate.js';

describe('the migration from the first release', () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>;
  beforeAll(async () => {
    database = await ownDatabase();
  });
  afterAll(() => database.drop());

  it('owes the new index every message of a conversation that lives, once, and the old one nothing, also what a send under way still owes it', async () => {
    const [config, log] = [loadConfig({ DATABASE_URL: database.url }, 'worker'), new Log('test', 'silent')];
    const run = (text: string, values: unknown[] = []) => sql<Record<string, unknown>>(database.url, text, values);
    await run('create schema edgechat');
    const source = await new DataSource({
      ...dataSourceOptions(config, log, 'test'),
      migrations: [First1795478400000],
    }).initialize();
    await source.runMigrations();
    await source.destroy();
    const [living, deleted] = ['019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5f', '019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e60'];
    await run(
      `insert into edgechat.conversations (id, kind, assistant, last_seq, member_count, deleted_at) values ($1, 'assistant', 'off', 2, 1, null), ($2, 'assistant', 'off', 2, 1, now())`,
      [living, deleted],
    );
    await run(
      `insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at) select c.id, n, gen_random_uuid(), 1, '', now() from edgechat.conversations c, generate_series(1, 2) n`,
    );
    await run(
      `insert into edgechat.outbox (conversation_id, seq, kind, next_at) values ($1, 2, 'index', now()), ($1, 2, 'fan_out', now())`,
      [living],
    );

    await migrate(config, log);
    await run(`insert into edgechat.outbox (conversation_id, seq, kind, next_at) values ($1, 3, 'index', now())`, [
      living,
    ]);

    expect(await run('select conversation_id, seq::int, kind from edgechat.outbox order by kind, seq')).toEqual([
      { conversation_id: living, seq: 2, kind: 'fan_out' },
      ...[1, 2, 3].map((seq) => ({ conversation_id: living, seq, kind: 'search' })),
    ]);
  });
});
