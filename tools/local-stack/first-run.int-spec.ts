import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { startEngine } from './engines.mjs';
import type { Engine, Kind } from './engines.d.mts';
import { FakePython } from './fake-python.js';

let folder = '';
let said: string[] = [];
let started: Engine[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'edgechat first run '));
  chmodSync(folder, 0o755);
  said = [];
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((engine) => engine.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const dataDir = () => path.join(folder, 'data');
const cacheDir = () => path.join(folder, 'engines');
const say = (line: string) => said.push(line);

/** Starts an engine with the packages of this repository, its data in the folder of the test. */
async function start(kind: Kind): Promise<Engine> {
  const engine = await startEngine(kind, { dataDir: dataDir(), temporary: true, say });
  started.push(engine);
  return engine;
}

describe('MongoDB on a machine that has nothing but Python', () => {
  const secantus = 'PyPI package secantusdb';
  const download = 'mongod through mongodb-memory-server';
  let python: FakePython;
  beforeEach(() => {
    python = new FakePython(path.join(folder, 'machine'));
  });

  const startMongo = async (more: { links?: string[]; dataDir?: string } = {}) => {
    const env = { PATH: python.bin, MONGOMS_DOWNLOAD_MIRROR: 'http://127.0.0.1:1' };
    const links = [secantus];
    const engine = await startEngine('mongo', {
      dataDir: dataDir(),
      cacheDir: cacheDir(),
      temporary: true,
      env,
      links,
      say,
      ...more,
    });
    started.push(engine);
    return engine;
  };
  const venv = () =>
    path.join(cacheDir(), readdirSync(cacheDir()).find((name) => /^secantusdb-[^-]+$/.test(name)) ?? '');

  it.each([
    ['a Python without venv', 'Error: No module named ensurepip', /ensurepip/],
    ['no network', 'ERROR: No matching distribution found for secantusdb', /No matching distribution/],
  ])('is tried again by the next start where the first had %s', async (_, words, sentence) => {
    python.fail(words);
    await expect(startMongo()).rejects.toThrow(/^No MongoDB could be started\. Install .*Python 3\.10/s);
    await expect(startMongo()).rejects.toThrow(sentence);
    expect([python.built, readdirSync(cacheDir())]).toEqual([2, []]);

    python.fail(null);

    expect((await startMongo()).describe).toContain('SecantusDB');
  });

  it('names the full disk that pip met inside the new environment, and is tried again', async () => {
    python.fail('Traceback (most recent call last):\n  File "x"\nOSError: [Errno 28] No space left on device: \'pip\'');
    await expect(startMongo()).rejects.toThrow(/^The disk is full\. Free some space/);

    python.fail(null);

    expect((await startMongo()).describe).toContain('SecantusDB');
  });

  it('is not fetched anew by each start when a later link gave it, but is when that gives it no more', async () => {
    const links = [download, secantus];
    await startMongo({ links });
    const fetches = () => said.filter((line) => line.startsWith('fetching mongod')).length;
    expect([fetches(), readdirSync(cacheDir()).filter((name) => name.endsWith('.failed')).length]).toEqual([1, 1]);
    await startMongo({ links, dataDir: path.join(folder, 'second') });
    expect(fetches()).toBe(1);

    rmSync(venv(), { recursive: true });
    python.fail('ERROR: No matching distribution found');

    await expect(startMongo({ links, dataDir: path.join(folder, 'third') })).rejects.toThrow(
      /No matching.*the download of mongod failed/s,
    );
    expect(fetches()).toBe(2);
  });

  it('is built anew on the same data when the Python under it is gone', async () => {
    const first = await startMongo();
    writeFileSync(path.join(dataDir(), 'mongo', 'secantusdb-0', 'kept'), 'kept');
    await first.stop();
    breakPython(venv());

    const second = await startMongo();

    expect([second.pid !== null, python.built]).toEqual([true, 2]);
    expect(said).toContainEqual(expect.stringMatching(/^secantusdb-.* does not run any more: fetching it anew/));
    expect(existsSync(path.join(dataDir(), 'mongo', 'secantusdb-0', 'kept'))).toBe(true);
  });

  it('says that the data stays, and how to come by the engine, while it cannot be built anew; then it is', async () => {
    await (await startMongo()).stop();
    breakPython(venv());
    python.fail('ERROR: No matching distribution found for secantusdb');

    const failed = await startMongo().catch((error: Error) => error.message);

    expect(failed).toMatch(
      /was written by SecantusDB, which cannot be started now\. It needs Python 3\.10.*the data stays as it is/s,
    );
    expect(failed).not.toMatch(/move/);
    python.fail(null);
    expect((await startMongo()).pid).not.toBeNull();
  });

  it('that runs well beside it is not built anew', async () => {
    await (await startMongo()).stop();

    await startMongo();

    expect(python.built).toBe(1);
  });

  it.each(['', '{"engine":"Secan', 'null', '{"engine":"Oracle","major":1,"where":"process"}'])(
    'is found again when a power cut has left %j of the record of its engine',
    async (text) => {
      const record = path.join(dataDir(), 'mongo', 'engine.json');
      await (await startMongo()).stop();
      writeFileSync(path.join(dataDir(), 'mongo', 'secantusdb-0', 'data'), 'data');
      const whole = readFileSync(record, 'utf8');
      writeFileSync(record, text);

      await startMongo();

      expect(said).toContainEqual(`${record} is damaged; the data beside it is of SecantusDB`);
      expect(readFileSync(record, 'utf8')).toBe(whole);
    },
  );
});

/** As the upgrade of a system does: the link in the environment leads to nothing. */
function breakPython(venv: string): void {
  rmSync(path.join(venv, 'bin', 'python'));
  symlinkSync('/nowhere/bin/python3', path.join(venv, 'bin', 'python'));
}

describe('an engine whose data', () => {
  it('was damaged says so, and where its log is; it does not say to install what is there', async () => {
    const engine = await start('postgres');
    await engine.stop();
    const [cluster = ''] = readdirSync(path.join(dataDir(), 'postgres')).filter((name) =>
      name.startsWith('postgresql-'),
    );
    truncateSync(path.join(dataDir(), 'postgres', cluster, 'cluster', 'global', 'pg_control'), 0);

    const failed = await start('postgres').catch((error: Error) => error.message);

    expect(failed).toMatch(
      /^PostgreSQL \d+ is here, but does not start with the data in .*server\.log.*put a backup back.*pg_control/s,
    );
    expect(failed).not.toMatch(/install/i);
  }, 60_000);

  it('is of Redis, which may lose all, starts empty with a warning, and keeps what was there', async () => {
    const engine = await start('redis');
    await engine.stop();
    const home = path.join(dataDir(), 'redis');
    const data = path.join(home, readdirSync(home).find((name) => /^redis-\d+$/.test(name)) ?? '');
    writeFileSync(path.join(data, 'dump.rdb'), 'x'.repeat(500));

    const again = await start('redis');

    expect(again.pid).not.toBeNull();
    expect(said).toContainEqual(expect.stringMatching(/^WARNING: Redis \d+ could not read its data and starts empty/));
    expect(existsSync(path.join(`${data}.set-aside`, 'dump.rdb'))).toBe(true);
    await again.stop();
    said = [];
    await start('redis');
    expect(said).not.toContainEqual(expect.stringContaining('WARNING'));
  });

  it('of Redis that a release before has written to disk is removed, and no more is written', async () => {
    const data = path.join(dataDir(), 'redis', 'redis-7');
    mkdirSync(path.join(data, 'appendonlydir'), { recursive: true });
    writeFileSync(path.join(data, 'appendonlydir', 'appendonly.aof.1.incr.aof'), 'a prompt');

    const engine = await start('redis');
    const redis = new Redis(engine.url);
    await redis.set('key', 'a prompt');
    redis.disconnect();
    await engine.stop();

    expect(readdirSync(data)).toEqual([]);
  });

  it('is of a Redis that is not here any more gives way to the one that is, with a warning', async () => {
    mkdirSync(path.join(dataDir(), 'redis', 'redis-5'), { recursive: true });
    writeFileSync(path.join(dataDir(), 'redis', 'engine.json'), '{"engine":"Redis","major":5,"where":"process"}');

    const engine = await start('redis');

    expect(engine.pid).not.toBeNull();
    expect(said).toContainEqual(
      expect.stringMatching(
        /^WARNING: the data was written by Redis 5, which cannot be started; Redis .* starts empty/,
      ),
    );
  });
});
