import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { ownDatabase, sql, type OwnDatabase } from '@edgechat/testing';
import { migrate } from './migrate.js';

const INSUFFICIENT_PRIVILEGE = '42501';
let database: OwnDatabase;
beforeAll(async () => {
  database = await ownDatabase();
  const { url, appRole } = database;
  const env = { DATABASE_URL: Object.assign(new URL(url), { username: appRole }).href, MIGRATE_DATABASE_URL: url };
  await migrate(loadConfig(env, 'migrate'), new Log('test', 'silent'));
});
afterAll(() => database.drop());

describe('the role that the processes log in as', () => {
  it.each([
    ['make a table', 'create table edgechat.mine (a int)'],
    ['make a table in another schema', 'create table public.mine (a int)'],
    ['make a temporary table', 'create temporary table mine (a int)'],
    ['make a schema', 'create schema mine'],
    ['make a function', `create function edgechat.mine() returns int language sql as 'select 1'`],
    ['make an extension', 'create extension file_fdw'],
    ['make a role', 'create role mine_of_nobody'],
    ['make a large object', 'select lo_creat(-1)'],
    ['make a large object of its choice', 'select lo_create(0)'],
    ['make a large object with something in it', `select lo_from_bytea(0, 'abc')`],
    ['make a large object of a file', `select lo_import('/etc/hostname')`],
    ['change a table', 'alter table edgechat.accounts add column mine int'],
    ['drop a table', 'drop table edgechat.messages'],
    ['empty a table', 'truncate edgechat.messages'],
    [
      'put a trigger on a table',
      'create trigger mine before insert on edgechat.accounts for each row execute function edgechat.mine()',
    ],
    ['read the passwords of roles', 'select * from pg_authid'],
    ['read the passwords of roles by a view', 'select * from pg_shadow'],
    ['read files', `select pg_read_file('PG_VERSION')`],
    ['run a program', `copy (select 1) to program 'true'`],
    ['write a file', `copy (select 1) to '/tmp/edgechat-test'`],
    ['say which migrations were run', 'delete from edgechat.migrations'],
    ['say which release the schema is for', 'update edgechat.schema_info set oldest_release = 0'],
    ['become the owner', 'set role edgechat'],
  ])('may not %s', async (_, statement) => {
    const url = Object.assign(new URL(database.url), { username: database.appRole }).href;
    await expect(sql(url, statement)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });
});
