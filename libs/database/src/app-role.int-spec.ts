import { randomBytes } from 'node:crypto';
import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { ownDatabase, sql, type OwnDatabase } from '@edgechat/testing';
import pg from 'pg';
import { tryAppLogin } from './app-login.js';
import { migrate } from './migrate.js';
import { scramVerifier } from './scram-verifier.js';

const log = new Log('test', 'silent');
let database: OwnDatabase;
let roles: string[];
beforeEach(async () => {
  database = await ownDatabase();
  roles = [];
});
afterEach(async () => {
  const { TEST_DATABASE_URL: server = '' } = process.env;
  await database.drop();
  for (const role of roles.reverse()) await sql(server, `drop role ${role}`);
});

const urlAs = (user: string, password = ''): string =>
  Object.assign(new URL(database.url), { username: user, password }).href;
const configWith = (env: Readonly<Record<string, string>> = {}) =>
  loadConfig({ DATABASE_URL: urlAs(database.appRole), MIGRATE_DATABASE_URL: database.url, ...env }, 'migrate');
const run = (env: Readonly<Record<string, string>> = {}): Promise<string[]> => migrate(configWith(env), log);
const asOwner = (text: string): Promise<object[]> => sql(database.url, text);
const asApp = (text: string): Promise<object[]> => sql(urlAs(database.appRole), text);
const appName = (): string => database.appRole;

/** A role of the test's own besides the app's. */
async function aRole(options: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asOwner(`create role ${name} ${options}`);
  roles.push(name);
  return name;
}

describe('the role that the processes log in as', () => {
  it('is made by migrate, and reads and writes rows', async () => {
    await run();
    await tryAppLogin(configWith());

    const [may] = await asApp(`
      select bool_and(has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')
                      and has_table_privilege(c.oid, 'delete')) as every,
             bool_or(has_table_privilege(c.oid, 'truncate, references, trigger')) as more
      from pg_class c where c.relnamespace = 'edgechat'::regnamespace and c.relkind in ('r', 'v') and c.relname not in ('migrations', 'schema_info')`);
    expect(may).toEqual({ every: true, more: false });
  });

  it('has what a later migration adds from its commit on, and loses what somebody gave it at the next run', async () => {
    await run();
    await asOwner('create table edgechat.later (id int generated always as identity, a int)');
    await asApp('insert into edgechat.later (a) values (1)');
    await asOwner(
      `grant all on all tables in schema edgechat to ${appName()}; grant create on schema edgechat to ${appName()}`,
    );
    await asOwner('grant usage on schema edgechat to public; grant select on edgechat.sessions to public');
    const stranger = urlAs(await aRole('login'));
    await sql(stranger, 'select from edgechat.sessions');

    await run();

    await expect(asApp('truncate edgechat.later')).rejects.toThrow('permission denied');
    await expect(asApp('create table edgechat.mine (a int)')).rejects.toThrow('permission denied');
    await expect(sql(stranger, 'select from edgechat.sessions')).rejects.toThrow('permission denied');
    expect(await asApp('select a from edgechat.later')).toEqual([{ a: 1 }]);
  });

  it('is refused with a sentence in another database than that of migrate, whatever that one has', async () => {
    const other = await ownDatabase();
    try {
      const elsewhere = Object.assign(new URL(other.url), { username: appName() }).href;
      await run();
      await run({ DATABASE_URL: elsewhere, MIGRATE_DATABASE_URL: other.url });
      await tryAppLogin(configWith());

      await expect(tryAppLogin(configWith({ DATABASE_URL: elsewhere }))).rejects.toThrow(
        'DATABASE_URL and MIGRATE_DATABASE_URL lead to different databases.',
      );
    } finally {
      await other.drop();
    }
  });

  it('may be made by many at once', async () => {
    await Promise.all([run(), run(), run()]);
    expect(await asApp('select count(*)::int as n from edgechat.accounts')).toEqual([{ n: 0 }]);
  });

  it('comes to a schema that was there before, whose owner goes on as before', async () => {
    await migrate(loadConfig({ DATABASE_URL: database.url }, 'migrate'), log);

    expect(await run()).toEqual([]);

    expect(await asApp('select count(*)::int as n from edgechat.messages')).toEqual([{ n: 0 }]);
    await asOwner('create table edgechat.theirs (a int)');
  });

  it('is not made where one URL is all there is, or both name one user', async () => {
    const granted = `select 1 from pg_class where relnamespace = 'edgechat'::regnamespace and relacl is not null`;
    await migrate(loadConfig({ DATABASE_URL: database.url }, 'migrate'), log);
    expect(await asOwner(granted)).toEqual([]);

    await run({ DATABASE_URL: database.url });
    expect(await asOwner(granted)).toEqual([]);
  });

  it('leaves temporary tables to others where the database is not ours alone', async () => {
    await asOwner('create table public.theirs (a int)');
    const stranger = urlAs(await aRole('login'));

    await run();

    await sql(stranger, 'create temporary table mine (a int)');
  });

  it('may have temporary ones there while migrate runs again', async () => {
    await asOwner('create table public.theirs (a int)');
    await run();
    const app = new pg.Client(urlAs(appName()));
    await app.connect();
    try {
      await app.query('create temporary table mine (a int); create type pg_temp.my_type as (a int)');
      expect(await run()).toEqual([]);
    } finally {
      await app.end();
    }
  });
});

describe('what it has set for its own sessions', () => {
  it('is gone with the next migrate, but for what takes the place of start parameters, and what only a superuser sets', async () => {
    await run();
    const inDatabase = `in database ${new URL(database.url).pathname.slice(1)}`;
    await asOwner(`alter role ${appName()} set enable_seqscan = off; alter role ${appName()} set jit = off;
      alter role ${appName()} set statement_timeout = '4500ms'; alter role ${appName()} set lock_timeout = '3s';
      alter role ${appName()} ${inDatabase} set idle_in_transaction_session_timeout = '10s';
      alter role ${appName()} set log_min_duration_statement = '1s'`);
    const kept = await settings();
    await asApp(`alter role current_user ${inDatabase} set "DateStyle" = 'SQL, DMY'`);
    await asApp(`alter role current_user ${inDatabase} set search_path = public`);
    await asApp('alter role current_user set default_transaction_read_only = on');
    await expect(tryAppLogin(configWith())).rejects.toThrow('the role that DATABASE_URL names may only read');

    await run();

    await tryAppLogin(configWith());
    expect(await settings()).toEqual(kept);
  });

  const settings = (): Promise<object[]> =>
    asOwner(
      `select setdatabase, setconfig from pg_db_role_setting where setrole = '${appName()}'::regrole order by setdatabase`,
    );
});

describe('its password', () => {
  const stored = async (): Promise<string> => {
    const [row] = await sql<{ word: string }>(
      database.url,
      `select rolpassword as word from pg_authid where rolname = '${appName()}'`,
    );
    return row?.word ?? '';
  };
  const saltOf = (verifier: string): Buffer => Buffer.from(verifier.split(/[:$]/)[2] ?? '', 'base64');

  it.each(['plain', 'pä ss\u00A0wörd/@%?', "it's \\ $1 quoted"])(
    '%p is what PostgreSQL would have kept itself, and follows the URL',
    async (password) => {
      await run({ DATABASE_URL: urlAs(appName(), encodeURIComponent('another')) });
      await run({ DATABASE_URL: urlAs(appName(), encodeURIComponent(password)) });
      const ours = await stored();
      expect(ours).toBe(scramVerifier(password, saltOf(ours)));

      await asOwner(`alter role ${appName()} password '${password.replaceAll("'", "''")}'`);
      const theirs = await stored();
      expect(theirs).toBe(scramVerifier(password, saltOf(theirs)));
    },
  );

  it('is in no statement, which the server may log', async () => {
    const sent: string[] = [];
    const prototype: { query: (...args: unknown[]) => unknown } = pg.Client.prototype;
    const { query } = prototype;
    prototype.query = function (...args) {
      sent.push(JSON.stringify(args.slice(0, 2)));
      return query.apply(this, args);
    };
    try {
      await run({ DATABASE_URL: urlAs(appName(), 'never-shown-7f3a') });
      await run({ DATABASE_URL: urlAs(appName(), 'never-shown-7f3a') });
    } finally {
      prototype.query = query;
    }
    expect(sent.filter((one) => one.includes('SCRAM-SHA-256'))).toHaveLength(2);
    expect(sent.join()).not.toContain('7f3a');
  });

  it('stays when the URL has none', async () => {
    await run({ DATABASE_URL: urlAs(appName(), 'first') });
    const before = await stored();
    await run();
    expect(await stored()).toBe(before);
  });
});

describe('a role that may do more than the processes need', () => {
  it.each([
    ['a superuser', 'login superuser', 'is a superuser or has another of the powers of one'],
    ['one that may make roles', 'login createrole', 'is a superuser or has another of the powers of one'],
    ['a member of others', 'login in role pg_read_all_data', 'is a member of other roles'],
  ])('is refused with a sentence: %s', async (_, options, why) => {
    const role = await aRole(options);
    await expect(run({ DATABASE_URL: urlAs(role) })).rejects.toThrow(
      `DATABASE_URL names the role ${role}, which ${why}`,
    );
  });

  it('is refused with a sentence: the owner of a table', async () => {
    const role = await aRole('login');
    await migrate(loadConfig({ DATABASE_URL: database.url }, 'migrate'), log);
    await asOwner(`alter table edgechat.secrets owner to ${role}`);
    await expect(run({ DATABASE_URL: urlAs(role) })).rejects.toThrow('owns this database or something in it');
  });
});

describe('an owner who is no superuser', () => {
  const asPlainOwner = async (options: string): Promise<Readonly<Record<string, string>>> => {
    const owner = await aRole(`login ${options}`);
    await asOwner(`alter database ${new URL(database.url).pathname.slice(1)} owner to ${owner}`);
    return { MIGRATE_DATABASE_URL: urlAs(owner) };
  };

  it('makes the role where it may make roles, again and again', async () => {
    const env = await asPlainOwner('createrole');
    await run(env);
    await asApp('alter role current_user set default_transaction_read_only = on');
    await run(env);
    await tryAppLogin(configWith());
    await expect(asApp('create temporary table mine (a int)')).rejects.toThrow('permission denied');
    expect(await asApp('select count(*)::int as n from edgechat.accounts')).toEqual([{ n: 0 }]);
  });

  it('goes on after the role has made what any role may make, which gives it no power', async () => {
    const env = await asPlainOwner('createrole');
    await run(env);
    await asApp(`select lo_from_bytea(0, 'abc')`);
    await asApp('alter default privileges grant select on tables to public');
    expect(await run(env)).toEqual([]);
  });

  it('lets in a role that is there already where it may make none, and says so where it is not', async () => {
    const env = await asPlainOwner('');
    await expect(run(env)).rejects.toThrow(`the role ${appName()} that DATABASE_URL names is not there`);

    await asOwner(`create role ${appName()} login`);
    await run(env);
    expect(await asApp('select count(*)::int as n from edgechat.accounts')).toEqual([{ n: 0 }]);
  });
});
