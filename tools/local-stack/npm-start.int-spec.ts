import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { build } from 'esbuild';
import { builtOnce, findProgram } from './cache.mjs';
import { freePort, startEngine } from './engines.mjs';
import { StandIn, type Started } from './stand-in.js';
import { aiLine, choosePorts, loadSettings } from './settings.mjs';
import { whatToTry } from './what-to-try.mjs';

async function eventually(claim: () => boolean, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!claim() && Date.now() < deadline) await pause(50);
  expect(claim()).toBe(true);
}

/** Where it ends instead, what it printed is shown at once. */
async function isUp({ printed, process: child }: Started): Promise<void> {
  await eventually(() => printed().includes('/messages ') || child.exitCode !== null, 50_000);
  expect(printed()).toContain('/messages ');
}
const times = (started: Started, words: string) => started.printed().split(words).length - 1;

/** The pid that a stand-in said. */
const pidOf = (started: Started, app: 'api' | 'worker') =>
  Number(new RegExp(`^${app} +pid (\\d+)`, 'm').exec(started.printed())?.[1]);

describe('npm start', () => {
  let standIn: StandIn;
  beforeEach(() => {
    standIn = new StandIn();
  });
  afterEach(() => standIn.remove());

  const start = async (env: Record<string, string> = {}, ...args: string[]) => {
    const started = standIn.start({ PORT: String(await freePort()), ...env }, ...args);
    await isUp(started);
    return started;
  };

  it('ends the worker only once the API has ended, which waits for answers that the worker makes', async () => {
    const started = await start({ STAND_IN_DRAIN_MS: '600' });

    started.process.kill('SIGTERM');

    expect(await started.ended).toBe(0);
    expect(
      started
        .printed()
        .match(/^(api|worker) +(is to end|ends)$/gm)
        ?.map((line) => line.replace(/ +/g, ' ')),
    ).toEqual(['api is to end', 'api ends', 'worker is to end', 'worker ends']);
  });

  it.each([
    ['worker', 'The worker ended unexpectedly (SIGKILL)'],
    ['api', 'The API ended unexpectedly (SIGKILL)'],
  ] as const)('says at once that the %s died, and does not wait for what can no longer come', async (app, sentence) => {
    const started = await start({ STAND_IN_DRAIN_MS: '60000', DRAIN_TIMEOUT_MS: '60000' });
    const killedAt = Date.now();

    process.kill(pidOf(started, app), 'SIGKILL');

    expect(await started.ended).toBe(1);
    expect(Date.now() - killedAt).toBeLessThan(8_000);
    expect(started.printed()).toContain(sentence);
    expect(started.printed().indexOf(sentence)).toBeLessThan(started.printed().indexOf('> Stopping'));
    expect(standIn.processes()).toEqual([]);
  });

  it('names the signal that an engine died of, and no line of its start as the reason', async () => {
    const started = await start();
    const redis = standIn.processes().find(({ folder }) => path.basename(folder).startsWith('redis-'));

    process.kill(redis?.pid ?? 0, 'SIGKILL');

    expect(await started.ended).toBe(1);
    expect(started.printed()).toMatch(/^Redis .* ended unexpectedly \(SIGKILL\)$/m);
  });

  it('names all bad variables of both processes at once, before anything is started', async () => {
    const bad = {
      PORT: '0',
      WORKER_HEALTH_PORT: '99999',
      REDIS_URL: 'nowhere',
      RATE_LIMIT_REQUESTS: 'many',
      AI_CONCURRENCY: '0',
    };

    const started = standIn.start(bad);

    expect(await started.ended).toBe(1);
    expect(
      started
        .printed()
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual(Object.keys(bad).sort());
  });

  it('takes the URL of a store from a file too', async () => {
    const file = path.join(standIn.folder, 'url');
    writeFileSync(file, 'mysql://nowhere\n');

    const started = standIn.start({ DATABASE_URL_FILE: file });

    expect(await started.ended).toBe(1);
    expect(started.printed().trim()).toMatch(/^DATABASE_URL must be a URL that begins with .*$/);
  });

  it.each([
    [{}, 'true', 'AI: the demo assistant answers'],
    [{ AI_DEMO_FALLBACK: 'false' }, 'false', 'AI: nobody answers'],
  ])('with %j gives the worker AI_DEMO_FALLBACK=%s, and says who answers', async (env, fallback, line) => {
    const started = await start(env);

    expect(started.printed()).toMatch(new RegExp(`^worker +pid \\d+ demo ${fallback}$`, 'm'));
    expect(started.printed()).toContain(line);
    started.process.kill('SIGTERM');
    await started.ended;
  });

  it('tells npm run admin which stores it works on, as long as it runs, unless the environment names others', async () => {
    const started = await start();
    const file = path.join(standIn.folder, '.data', 'stores.json');
    const own = standIn.admin({}, 'rebuild', 'inbox');
    expect([statSync(file).mode & 0o777, own.status]).toEqual([0o600, 3]);
    expect(own.stdout).toMatch(/^rebuild inbox on postgresql:\/\/.*@127\.0\.0\.1:\d+\//);
    expect(standIn.admin({ DATABASE_URL: 'postgresql://elsewhere/db' }, 'verify').stdout).toBe(
      'verify on postgresql://elsewhere/db\n',
    );

    started.process.kill('SIGTERM');
    await started.ended;

    expect([existsSync(file), standIn.admin({}, 'verify').stdout]).toEqual([false, 'verify on undefined\n']);
  });

  it('restarts with --watch on each change: a file that was replaced, replaced again, then appended to, and a new one', async () => {
    const started = await start({}, '--watch');
    const again = 'Starting the API and the worker again';
    const other = path.join(standIn.folder, 'other.ts');
    const replace = () => {
      writeFileSync(other, 'export {};\n');
      renameSync(other, standIn.source);
    };

    for (const [count, change] of [
      replace,
      replace,
      () => appendFileSync(standIn.source, '\n'),
      () => writeFileSync(`${path.dirname(standIn.source)}/new.ts`, ''),
    ].entries()) {
      change();
      await eventually(() => times(started, again) === count + 1, 6_000);
      await pause(1_200); // no change, no restart
      expect(times(started, again)).toBe(count + 1);
    }

    expect(started.printed()).not.toContain('unexpectedly');
    started.process.kill('SIGTERM');
    expect(await started.ended).toBe(0);
    expect(standIn.processes()).toEqual([]);
  }, 60_000);

  it('says with --watch that a process died, and starts it again with the next change', async () => {
    const started = await start({}, '--watch');

    process.kill(pidOf(started, 'worker'), 'SIGKILL');
    await eventually(() => started.printed().includes('The worker ended unexpectedly (SIGKILL)'), 2_000);
    appendFileSync(standIn.source, '\n');
    await eventually(() => started.printed().match(/^worker +pid /gm)?.length === 2, 8_000);

    expect(started.process.exitCode).toBeNull();
    started.process.kill('SIGTERM');
    expect(await started.ended).toBe(0);
  });
});

describe('the ports', () => {
  it('of the workers are not the same for starts from several folders that look at the same moment, before any of them listens', async () => {
    const chosen = [
      await choosePorts({ PORT: String(await freePort()) }),
      await choosePorts({ PORT: String(await freePort()) }),
      await choosePorts({ PORT: String(await freePort()) }),
    ];

    expect(new Set(chosen.map((ports) => ports?.worker)).size).toBeGreaterThan(1);
  });

  it('are those that were asked for', async () => {
    const [api, worker] = [await freePort(), await freePort()];

    expect(await choosePorts({ PORT: String(api), WORKER_HEALTH_PORT: String(worker) })).toEqual({ api, worker });
  });
});

describe('who answers', () => {
  const key = 'k';
  const cases: [Record<string, string>, string, string][] = [
    [{}, 'none', 'AI: nobody answers: set GEMINI_API_KEY, '],
    [{ AI_DEMO_FALLBACK: 'true' }, 'demo', 'AI: the demo assistant answers'],
    [
      {
        AI_DEMO_FALLBACK: 'true',
        APP_ENV: 'production',
        JWT_SECRET: 'f3c1a09b5d7e2846b80c9d1e3f5a7264',
        CORS_ORIGINS: 'https://a.example',
        AI_TOKENS_PER_DAY: 'unlimited',
        DATABASE_URL: 'postgresql://edgechat@127.0.0.1/edgechat', // the stores of npm start have no passwords
        INSECURE_STORES: 'postgres,mongo,redis',
      },
      'none',
      'AI: nobody answers: set GEMINI_API_KEY, ',
    ],
    [{ AI_PROVIDER: 'demo', GEMINI_API_KEY: key }, 'demo', 'AI: the demo assistant answers'],
    [
      { AI_DEMO_FALLBACK: 'true', ANTHROPIC_API_KEY: key, OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', OPENAI_MODEL: 'm' },
      'openai m',
      'AI: openai answers, with the model m.',
    ],
    [
      { ANTHROPIC_API_KEY: key, OPENAI_API_KEY: key, GEMINI_API_KEY: key, GEMINI_MODEL: 'g' },
      'gemini g',
      'AI: gemini answers, with the model g.',
    ],
    [{ ANTHROPIC_API_KEY: key, ANTHROPIC_MODEL: 'a' }, 'anthropic a', 'AI: anthropic answers, with the model a.'],
    [
      { AI_PROVIDER: 'gemini', AI_DEMO_FALLBACK: 'true', OPENAI_API_KEY: key },
      'none',
      'AI: nobody answers: AI_PROVIDER is gemini, and GEMINI_API_KEY is not set.',
    ],
    [
      { AI_PROVIDER: 'openai' },
      'none',
      'AI: nobody answers: AI_PROVIDER is openai, and neither OPENAI_API_KEY nor OPENAI_BASE_URL is set.',
    ],
    [
      { AI_PROVIDER: 'anthropic' },
      'none',
      'AI: nobody answers: AI_PROVIDER is anthropic, and ANTHROPIC_API_KEY is not set.',
    ],
  ];

  it.each(cases)('is with %j said in a line (%s)', async (env, _, line) => {
    const { worker } = await loadSettings(env);
    expect(aiLine(worker)).toContain(line);
  });

  it('is what the worker itself finds with the same settings', async () => {
    const root = path.join(import.meta.dirname, '..', '..');
    const file = path.join(root, 'libs/assistant/src/providers/create-language-model.ts');
    const settings = await Promise.all(cases.map(async ([env]) => (await loadSettings(env)).worker));
    const contents = `import { createLanguageModel } from ${JSON.stringify(file)};
      const found = ${JSON.stringify(settings)}.map((one) => createLanguageModel({ ...one, aiDemoFallback: one.aiDemoFallback && one.appEnv !== 'production' }));
      console.log(JSON.stringify(found.map(({ provider, model }) => (provider === model ? provider : provider + ' ' + model))));`;
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: root },
      bundle: true,
      write: false,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      tsconfig: path.join(root, 'tsconfig.base.json'),
    });

    const printed = execFileSync(process.execPath, ['--input-type=module'], {
      cwd: root,
      input: outputFiles[0]?.text ?? '',
      encoding: 'utf8',
    });

    expect(JSON.parse(printed)).toEqual(
      cases.map(([, expected]) => expect.stringMatching(new RegExp(`^${expected}\\b`))),
    );
  }, 60_000);
});

describe('the commands to try', () => {
  const [body = ''] = /'\{"email".*\}'/.exec(whatToTry('http://127.0.0.1:8000', [], '').join('\n')) ?? [];
  const shells = ['sh', 'dash', 'bash', 'zsh'].filter((shell) => findProgram(shell, process.env).length > 0);

  it.each(shells)('have another e-mail address each time they are pasted into %s', (shell) => {
    const printed = execFileSync(shell, ['-c', `printf '%s\\n' ${body} ${body}`], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const addresses = printed.map((text) => (JSON.parse(text) as { email: string }).email);

    expect(new Set(addresses).size).toBe(2);
    for (const address of addresses) expect(address).toMatch(/^you-[0-9a-f]{8}@example\.com$/);
  });
});

describe('the reasons that are told', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'edgechat reasons '));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are in a few words for a failed download', async () => {
    const said: string[] = [];
    const context = {
      kind: 'mongo',
      env: {},
      cacheDir: folder,
      temporary: true,
      say: (line: string) => said.push(line),
      remembersFailures: true,
      failures: new Map<string, string>(),
    } as const;
    const { Failure } = await import('./processes.mjs');

    const asked = builtOnce(context, 'mongod', () =>
      Promise.reject(
        new Failure(
          'the download of mongod failed (exit code 1): Download failed for url "https://a.example/b.tgz", Details: | getaddrinfo ENOTFOUND a.example',
        ),
      ),
    );

    await expect(asked).rejects.toThrow(/ENOTFOUND/);
    expect(said.at(-1)).toBe('mongod: not to be had here (getaddrinfo ENOTFOUND a.example)');
    expect([...context.failures]).toEqual([[path.join(folder, 'mongod.failed'), expect.stringContaining('Details')]]);
  });

  it('come after 5 s for a URL that refuses, not after 20', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const beganAt = Date.now();

    const asked = startEngine('redis', {
      dataDir: folder,
      env: { REDIS_URL: `redis://127.0.0.1:${port}/0` },
      allowUrls: true,
    });

    await expect(asked).rejects.toThrow(`REDIS_URL is set, but nothing answers at 127.0.0.1:${port}`);
    expect(Date.now() - beganAt).toBeLessThan(9_000);
  });
});
