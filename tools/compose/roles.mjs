import { buildSync } from 'esbuild';
import { check, must } from './checks.mjs';
import { Client } from './client.mjs';
import { ROOT, run } from './docker.mjs';

/** Runs inside the worker's container, with its own variables, secrets and logins: tries each of ATTEMPTS, and prints what became of them. */
const INSIDE = `
  const { readFileSync } = require('node:fs');
  const pg = require('pg'), { MongoClient } = require('mongodb'), { Redis } = require('ioredis');
  const url = (name) => process.env[name] || readFileSync(process.env[name + '_FILE'], 'utf8').trim();
  const attempt = (work) => work().then((result) => 'done: ' + JSON.stringify(result), (error) => 'refused: ' + error.code + ' ' + error.message);
  (async () => {
    const sql = new pg.Client(url('DATABASE_URL')), mongo = new MongoClient(url('MONGODB_URL')), redis = new Redis(url('REDIS_URL'));
    await Promise.all([sql.connect(), mongo.connect()]);
    const tries = {
      sql: async (text) => (await sql.query(text)).rows,
      mongo: ([db, command]) => mongo.db(db).command(command),
      redis: ([name, ...args]) => redis.call(name, ...args),
    };
    const results = [];
    for (const [store, what] of ATTEMPTS) results.push(await attempt(() => tries[store](what)));
    console.log(JSON.stringify(results));
    process.exit(0);
  })().catch((error) => { console.error(error); process.exit(1); });`;

/** Optional packages of the driver of MongoDB, which are not installed. */
const OPTIONAL = [
  '@aws-sdk/*',
  '@mongodb-js/zstd',
  'gcp-metadata',
  'kerberos',
  'mongodb-client-encryption',
  'snappy',
  'socks',
  'aws4',
  'pg-native',
  'pg-cloudflare',
];

/** What becomes of attempts that the worker makes with its own logins: of each `done: …` or `refused: …`. @throws Unmet */
async function tryAsWorker(stack, attempts) {
  const contents = `const ATTEMPTS = ${JSON.stringify(attempts)};${INSIDE}`;
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    write: false,
    platform: 'node',
    external: OPTIONAL,
    logLevel: 'silent',
  });
  const { code, stdout, output } = await run('docker', ['exec', '-i', await stack.container('worker'), 'node', '-'], {
    input: outputFiles[0].text,
  });
  must(code === 0, "the worker's logins work", output.slice(-1_500));
  return JSON.parse(stdout);
}

async function mustRefuse(stack, attempts, words) {
  const results = await tryAsWorker(stack, attempts);
  const wrong = results.filter((result) => !result.startsWith('refused: ') || !words.test(result));
  must(
    wrong.length === 0,
    'all of it is refused',
    results.map((result, n) => [attempts[n], result]).filter(([, result]) => wrong.includes(result)),
  );
}

async function mustAllow(stack, attempts) {
  const results = await tryAsWorker(stack, attempts);
  must(
    results.every((result) => result.startsWith('done: ')),
    'all of it is allowed',
    results,
  );
}

/** PostgreSQL's code for what a role may not do. */
const DENIED = /^refused: 42501 /;

const SQL = [
  'create table edgechat.mine (a int)',
  'create table public.mine (a int)',
  'create temporary table mine (a int)',
  'create schema mine',
  'alter table edgechat.accounts add column mine int',
  'drop table edgechat.messages',
  'truncate edgechat.messages',
  'select * from pg_authid',
  `copy (select 1) to program 'true'`,
  `select pg_read_file('PG_VERSION')`,
  'create role mine superuser',
  'set role edgechat',
  'delete from edgechat.migrations',
].map((text) => ['sql', text]);

const MONGO = [
  ['edgechat', { drop: 'messages' }],
  ['edgechat', { dropDatabase: 1 }],
  ['edgechat', { create: 'mine' }],
  ['edgechat', { createIndexes: 'messages', indexes: [{ key: { mine: 1 }, name: 'mine' }] }],
  ['edgechat', { dropIndexes: 'messages', index: '*' }],
  ['edgechat', { createUser: 'mine', pwd: 'mine', roles: ['root'] }],
  ['edgechat', { updateRole: 'edgechat_app', privileges: [], roles: ['dbOwner'] }],
  ['admin', { usersInfo: 1 }],
  ['admin', { find: 'system.users' }],
  ['other', { find: 'messages' }],
  ['other', { insert: 'messages', documents: [{ a: 1 }] }],
].map((what) => ['mongo', what]);

const REDIS = [
  ['FLUSHALL'],
  ['CONFIG', 'GET', '*'],
  ['KEYS', '*'],
  ['ACL', 'LIST'],
  ['GET', 'other'],
  ['SET', 'other', 'x'],
  ['EVAL', `return redis.call('SET', 'other', 'x')`, '0'],
].map((what) => ['redis', what]);

async function sends(stack) {
  const client = await new Client(stack.url).register();
  const conversation = await client.conversation('off');
  const { status, body } = await client.send(conversation, 'with few rights');
  must(status === 200, 'a send is taken', { status, body });
  return { client, conversation };
}

/** A volume of a release that had one login: the next `up` makes the other, and nothing is lost. */
async function checkTakenOver(stack) {
  const role = `select count(*) from pg_roles where rolname = 'edgechat_app'`;
  await stack.with(null, { DATABASE_URL: 'postgresql://edgechat@postgres:5432/edgechat' }).up();
  await stack.sql('drop owned by edgechat_app; drop role edgechat_app');
  const { client, conversation } = await sends(stack);
  must((await stack.sql(role)) === '0', 'with one login no other is made');
  must((await tryAsWorker(stack, [SQL[0]]))[0].startsWith('done: '), 'one login owns the schema');
  await stack.sql('drop table edgechat.mine');

  delete stack.env.DATABASE_URL;
  await stack.up();
  must((await client.messages(conversation)).length === 1, 'the message is there');
  must((await client.send(conversation, 'and after')).status === 200, 'the conversation goes on');
  await mustRefuse(stack, SQL, DENIED);
}

/** The owner's password is for `migrate` alone. */
async function checkOwnPassword(stack) {
  await stack.with(null, { POSTGRES_APP_PASSWORD: "another's @ word" }).up();
  await mustAllow(stack, [['sql', 'select count(*) from edgechat.accounts']]);
  await sends(stack);
  delete stack.env.POSTGRES_APP_PASSWORD;
  await stack.up();
}

/** The stack as it is without any setting. */
export async function roles(stack) {
  await check('API and worker may read and write rows in PostgreSQL, and nothing else', async () => {
    await mustRefuse(stack, SQL, DENIED);
    await mustAllow(stack, [['sql', 'select count(*) from edgechat.accounts']]);
    await sends(stack);
  });
  await check('a volume of a release with one login is taken over', () => checkTakenOver(stack));
  await check('the app may have another password than the owner, also later', () => checkOwnPassword(stack));
}

/** The stack of a public server, where each store has two logins. */
export async function productionRoles(stack) {
  await check('in production API and worker may do in each store what they need, and nothing else', async () => {
    await mustRefuse(stack, SQL, DENIED);
    await mustRefuse(stack, MONGO, /not authorized|requires authentication|Unauthorized/i);
    await mustRefuse(stack, REDIS, /NOPERM|no permissions|can't access|ACL failure/);
    await mustAllow(stack, [
      ['sql', 'select count(*) from edgechat.accounts'],
      ['mongo', ['edgechat', { find: 'messages', limit: 1 }]],
      ['redis', ['EXISTS', '{edgechat}:any']],
    ]);
  });
}
