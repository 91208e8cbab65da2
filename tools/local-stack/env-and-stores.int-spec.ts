import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, startEngine } from './engines.mjs';
import { loadSettings, withOwnStores } from './settings.mjs';
import { StandIn } from './stand-in.js';

describe('npm start with a .env', () => {
  let standIn: StandIn;
  beforeEach(() => {
    standIn = new StandIn();
  });
  afterEach(() => standIn.remove());

  const startWith = async (bytes: string | Buffer): Promise<string> => {
    writeFileSync(path.join(standIn.folder, '.env'), bytes);
    const started = standIn.start({});
    expect(await started.ended).toBe(1);
    return started.printed().trim();
  };

  it('that begins with a byte order mark reads its first line, too', async () => {
    expect(await startWith('\ufeffRATE_LIMIT_REQUESTS=many\nPORT=0\n')).toMatch(/^RATE_LIMIT_REQUESTS .*\nPORT /);
  });

  it('keeps a # in a secret, and ends it where a blank comes before one', async () => {
    const short = `JWT_SECRET=${'x'.repeat(30)}`;
    expect(await startWith(`${short} #7890\nPORT=0\n`)).toMatch(/^JWT_SECRET must have 32 bytes.*\nPORT /);
    expect(await startWith(`${short}#7890\nPORT=0\n`)).toMatch(/^PORT /);
  });

  it.each([
    ['in UTF-16', Buffer.from('\ufeffPORT=8080\n', 'utf16le'), /^\.env, line 1: the file is not UTF-8 but UTF-16/],
    ['in Latin-1', Buffer.from('PORT=8080\n# für\n', 'latin1'), /^\.env, line 2: the line is not UTF-8/],
    ['with words in a line', 'A=1\nsecret words\n', /^\.env, line 2: the line does not begin with a name and a =\.$/],
  ])('%s says so in one line, without a stack', async (_, bytes, sentence) => {
    const printed = await startWith(bytes);
    expect(printed).toMatch(sentence);
    expect(printed.split('\n')).toHaveLength(1);
    expect(printed).not.toContain('secret');
  });

  it('that is a folder says so; npm run admin, too', async () => {
    mkdirSync(path.join(standIn.folder, '.env'));
    const started = standIn.start({});
    expect(await started.ended).toBe(1);
    expect(started.printed().trim()).toMatch(
      /\.env is a folder: the settings stand in a file of that name\. Move it away\.$/,
    );
    expect(standIn.admin({}, 'verify')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^\/.*\.env is a folder: .*\n$/),
    });
  });
});

describe('npm start with APP_ENV=production', () => {
  const production = {
    APP_ENV: 'production',
    JWT_SECRET: 'f3c1a09b5d7e2846b80c9d1e3f5a7264',
    CORS_ORIGINS: 'https://a.example',
    AI_TOKENS_PER_DAY: 'unlimited',
  };

  it('refuses its own stores, which have no passwords, unless INSECURE_STORES names them', async () => {
    const told = loadSettings(withOwnStores(production));
    await expect(told).rejects.toThrow(
      /^DATABASE_URL must have a password .*\nMONGODB_URL must .*\nREDIS_URL must .*$/,
    );
    const insecure = { ...production, INSECURE_STORES: 'postgres,mongo,redis' };
    await expect(loadSettings(withOwnStores(insecure))).resolves.toMatchObject({ api: { host: '127.0.0.1' } });
  });

  it('refuses the default password of a PostgreSQL that is named', async () => {
    const named = {
      ...production,
      INSECURE_STORES: 'postgres,mongo,redis',
      DATABASE_URL: 'postgresql://u:edgechat@h/d',
    };
    await expect(loadSettings(withOwnStores(named))).rejects.toThrow(
      /^DATABASE_URL must have another password [^\n]*$/,
    );
  });
});

describe('the URL of a store of somebody else', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'edgechat given '));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is never printed with what may be a part of its password', async () => {
    const port = await freePort();
    for (const url of [`redis://:se@7f3a@127.0.0.1:${port}/0`, `redis://u:12/7f3a@127.0.0.1:${port}/0`]) {
      const asked = startEngine('redis', { dataDir: folder, env: { REDIS_URL: url }, allowUrls: true });
      await expect(asked).rejects.toThrow(/^REDIS_URL is set, but nothing answers at /);
      await asked.catch((error: unknown) => expect(String(error)).not.toMatch(/7f3a|se@|:12/));
    }
  }, 60_000);

  it('SecantusDB that panicked begins anew in the same process once there is room', () => {
    const program = path.join(folder, 'program.py');
    // Stands in for the server: its first life panics, its second says that it is the same process.
    writeFileSync(
      program,
      `import logging, os, sys, time
first = os.path.join(os.path.dirname(__file__), "first")
if os.path.exists(first):
    print(open(first).read() == str(os.getpid()), sys.argv[1:], flush=True)
    sys.exit(0)
open(first, "w").write(str(os.getpid()))
try:
    raise RuntimeError("WT_PANIC: WiredTiger library panic")
except RuntimeError:
    logging.getLogger("secantus.commands").exception("internal error handling command find")
time.sleep(60)
`,
    );
    const wrapper = path.join(import.meta.dirname, 'secantusd.py');

    const printed = execFileSync('python3', [wrapper, program, '--port', '1'], { encoding: 'utf8', cwd: folder });

    expect(printed).toBe("True ['--port', '1']\n");
  });
});
