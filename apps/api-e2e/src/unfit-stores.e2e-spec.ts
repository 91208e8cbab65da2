import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { AppProcess, eventually, ownStores, sql, type OwnStores } from '@edgechat/testing';
import { Redis as Client } from 'ioredis';
import { freePort } from '../../../tools/local-stack/engines.mjs';

const WORKER = join(import.meta.dirname, '../../../dist/apps/worker/main.js');
const PASSWORD = 'p@s#w%/7f3a';

/** What the command `migrate` says and ends with. */
function migrate(env: Readonly<Record<string, string>>): Promise<{ code: unknown; told: string; printed: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [WORKER, 'migrate'], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, told: stderr, printed: stdout + stderr }),
    );
  });
}

/** A server that answers INFO with these lines, and each other command with this answer. */
async function standIn(info: string, answer: string): Promise<{ url: string; server: Server; connections(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      for (const [, name = ''] of bytes.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g))
        if (name.toLowerCase() === 'info') socket.write(`$${info.length}\r\n${info}\r\n`);
        else
          socket.write(name.toLowerCase() === 'hello' && answer.startsWith('-CL') ? '-NOPROTO\r\n' : `${answer}\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `redis://127.0.0.1:${port}/0`, server, connections: () => connections };
}

describe('stores that cannot be used as they are', () => {
  let stores: OwnStores;
  let redis: Client;
  beforeAll(async () => {
    stores = await ownStores();
    redis = new Client(stores.env.REDIS_URL);
    expect(await migrate(stores.env)).toMatchObject({ code: 0 });
  }, 60_000);
  afterAll(async () => {
    redis.disconnect();
    await stores.close();
  });

  const api = async (env: Readonly<Record<string, string>>): Promise<AppProcess> => {
    const port = String(await freePort());
    const all = { ...stores.env, PORT: port, HOST: '127.0.0.1', ...env };
    return new AppProcess('api', all, `http://127.0.0.1:${port}/api/v1/health`);
  };

  it('a Redis that refuses the login ends migrate at once, with its own words and no password; the right one is taken as it is', async () => {
    await redis.config('SET', 'requirepass', PASSWORD);
    const { host } = new URL(stores.env.REDIS_URL);
    try {
      for (const [login, words] of [
        [':wrong-7f3a@', 'WRONGPASS'],
        ['', 'NOAUTH'],
      ]) {
        const { code, told, printed } = await migrate({ ...stores.env, REDIS_URL: `redis://${login}${host}/0` });
        expect([code, told]).toEqual([1, expect.stringContaining(`Redis (REDIS_URL) refuses the login: ${words}`)]);
        expect(printed).not.toContain('7f3a');
      }
      const good = { ...stores.env, REDIS_URL: `redis://:${PASSWORD}@${host}/0` };
      expect(await migrate(good)).toMatchObject({ code: 0, told: '' });
    } finally {
      await redis.config('SET', 'requirepass', '');
    }
  }, 60_000);

  it('a database of Redis that is not there is named', async () => {
    const url = stores.env.REDIS_URL.replace(/\/0$/, '/99');
    expect(await migrate({ ...stores.env, REDIS_URL: url })).toMatchObject({
      code: 1,
      told: expect.stringMatching(
        /^Redis has no database 99: REDIS_URL ends with its number \(.*\)\. Nothing was changed/,
      ),
    });
  }, 30_000);

  it.each(['LATIN1', 'SQL_ASCII'])(
    'a database in %s is refused before anything is made in it, with what to do',
    async (encoding) => {
      const name = `unfit_${encoding.toLowerCase()}_${process.pid}`;
      const url = stores.env.DATABASE_URL.replace(/\/[^/?]+(?=$|\?)/, `/${name}`);
      await sql(
        stores.env.DATABASE_URL,
        `create database ${name} encoding '${encoding}' locale 'C' template template0`,
      );
      try {
        expect(await migrate({ ...stores.env, DATABASE_URL: url })).toMatchObject({
          code: 1,
          told: expect.stringMatching(
            new RegExp(
              `^PostgreSQL \\(DATABASE_URL\\) could not be migrated: the database has the encoding ${encoding}, .*encoding 'UTF8'`,
            ),
          ),
        });
        expect(await sql(url, `select 1 from pg_namespace where nspname = 'edgechat'`)).toEqual([]);
      } finally {
        await sql(stores.env.DATABASE_URL, `drop database ${name} with (force)`);
      }
    },
    30_000,
  );

  it('a cluster is refused by migrate, and ends an API that has not served yet', async () => {
    const cluster = await standIn(
      'redis_version:7.0.15\r\nredis_mode:cluster\r\ncluster_enabled:1\r\n',
      '-CLUSTERDOWN Hash slot not served',
    );
    const sentence = 'This Redis is a cluster, which is not supported';
    const process = await api({ REDIS_URL: cluster.url });

    expect(await migrate({ ...stores.env, REDIS_URL: cluster.url })).toMatchObject({
      code: 1,
      told: expect.stringContaining(sentence),
    });
    await process.start({}, { waits: false });

    expect(await process.exited()).toBe(1);
    expect(process.output).toContain(sentence);
    cluster.server.close();
  }, 60_000);

  it('a password that is wrong for Redis is told once by an API that waits for it, with the words of Redis', async () => {
    const refusing = await standIn('', '-WRONGPASS invalid username-password pair or user is disabled.');
    const process = await api({ REDIS_URL: refusing.url.replace('//', '//:wrong-7f3a@') });
    await process.start({}, { waits: false });

    await eventually(() => Promise.resolve(refusing.connections() >= 5), { withinMs: 20_000 });

    expect(process.output.split('Redis (REDIS_URL) cannot be used')).toHaveLength(2);
    expect(process.output).toContain('"reason":"WRONGPASS invalid username-password pair or user is disabled."');
    expect(process.output).not.toContain('7f3a');
    await process.stop('SIGKILL');
    refusing.server.close();
  }, 60_000);

  it('a maxmemory-policy that evicts is warned of once, and the API serves', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const process = await api({});
    await process.start();
    const warning = 'Redis has the maxmemory-policy allkeys-lru';
    await eventually(() => Promise.resolve(process.output.includes(warning)));
    await process.stop();

    expect(process.output.split(warning)).toHaveLength(2);
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
  }, 60_000);
});
