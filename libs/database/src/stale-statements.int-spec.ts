import { Unavailable } from '@edgechat/kernel';
import { Postgres } from '@edgechat/platform/postgres';
import { ownDatabase } from '@edgechat/testing';
import pg from 'pg';
import type { DataSource } from 'typeorm';

describe('a connection that prepared a statement before a migration changed its columns', () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>;
  let pool: pg.Pool;
  beforeAll(async () => {
    database = await ownDatabase();
    pool = new pg.Pool({ connectionString: database.url, max: 1 });
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it.each(['query', 'transaction'] as const)('is given up by a %s: the call can be repeated', async (by) => {
    const postgres = new Postgres({ driver: { master: pool } } as unknown as DataSource);
    const statement = { name: by, text: `select * from things_of_${by}` };
    const look = (): Promise<object[]> =>
      by === 'query' ? postgres.query(statement) : postgres.transaction((sql) => sql.query(statement));
    await pool.query(`create table things_of_${by} (one int)`);
    await look();
    await pool.query(`alter table things_of_${by} add column two int`);

    await expect(look()).rejects.toThrow(Unavailable);
    expect(await look()).toEqual([]);
  });

  it('is not taken for an error of the statement itself', async () => {
    const postgres = new Postgres({ driver: { master: pool } } as unknown as DataSource);
    // (0A000 as well, and no migration is to blame for it.)
    await expect(postgres.query({ name: 'bug', text: 'select * from other.public.things' })).rejects.toMatchObject({
      code: '0A000',
    });
  });
});
