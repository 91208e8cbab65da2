import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './engines.mjs';
import { choosePorts } from './settings.mjs';
import { StandIn, type Started } from './stand-in.js';

const root = path.join(import.meta.dirname, '..', '..');
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
/** Makes Node say that it is an older one. */
const older = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"18.20.8"})';

async function eventually(claim: () => boolean, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!claim() && Date.now() < deadline) await pause(50);
  expect(claim()).toBe(true);
}

function node(
  env: Record<string, string>,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, encoding: 'utf8' });
}

describe.each(Object.entries(scripts))('npm run %s', (_, script) => {
  it('says in a sentence that Node is too old, before it loads what an old one cannot read', () => {
    const [, first = ''] = /^(?:exec )?node (.*?)(?: (?:&&|\|\|) .*)?$/.exec(script) ?? [];

    const { status, stdout, stderr } = node({}, '--import', older, ...first.split(' '));

    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^EdgeChat needs Node 20\.19 or newer, and this is Node 18\.20\.8: install a newer one .*\n$/,
    );
  });
});

describe('what is loaded before the version of Node is known', () => {
  it.each(['start.mjs', 'run.mjs', 'can-run.mjs'])('needs nothing that an old one lacks: %s', (file) => {
    const text = readFileSync(path.join(import.meta.dirname, file), 'utf8');
    const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name);

    expect(imported.filter((name) => !['fs', 'os', 'path', 'url', './can-run.mjs'].includes(name ?? ''))).toEqual([]);
    expect(text).not.toMatch(/import\.meta|\?\?|\?\.|^await /m);
  });
});

describe('a folder for temporary files that is not there', () => {
  it('is named in a sentence by what needs one', () => {
    const { status, stderr } = node(
      { TMPDIR: '/nowhere/at all' },
      'tools/local-stack/run.mjs',
      'tools/testing/test.mjs',
      'x.spec.ts',
    );

    expect(status).toBe(1);
    expect(stderr).toBe(
      'No temporary file can be made in /nowhere/at all (ENOENT): make that folder, make room in it, or set TMPDIR to one that can be written.\n',
    );
  });
});

describe('Ctrl-C', () => {
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s ends a start with its code and no stack, at whatever moment it comes',
    async (signal) => {
      const standIn = new StandIn();
      for (const delayMs of [20, 80, 140, 200, 280, 370, 480, 700]) {
        // A terminal sends it to all processes of the group.
        const child = spawn(process.execPath, ['run.mjs'], {
          cwd: standIn.folder,
          env: { ...process.env, PORT: String(await freePort()) },
          detached: true,
        });
        let printed = '';
        child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
        const ended = new Promise((resolve) => child.once('exit', (code, by) => resolve(code ?? by)));
        await pause(delayMs);
        process.kill(-(child.pid ?? 0), signal);
        expect([codes[signal], signal]).toContain(await ended);
        expect(printed).toBe('');
      }
      expect(standIn.processes()).toEqual([]);
      standIn.remove();
    },
    60_000,
  );
});

describe('HOST', () => {
  const port = async () => ({ PORT: String(await freePort()) });

  it.each([
    [
      'nowhere.invalid',
      /^HOST is nowhere\.invalid, and no address is found for that name: set HOST to an address of this machine/,
    ],
    ['http://localhost', /^HOST is http:\/\/localhost, and no address is found for that name/],
    ['192.0.2.1', /^HOST is 192\.0\.2\.1, which is no address of this machine/],
  ])('%s is refused in a sentence before anything is started', async (HOST, sentence) => {
    await expect(choosePorts({ ...(await port()), HOST })).rejects.toThrow(sentence);
  });

  it.each(['127.0.0.1', 'localhost', '0.0.0.0'])('%s is taken', async (HOST) => {
    const env = await port();

    expect(await choosePorts({ ...env, HOST })).toMatchObject({ api: Number(env.PORT) });
  });
});

describe('npm start', () => {
  it('does not say that it serves when another program has taken the port meanwhile, and answers there', async () => {
    const standIn = new StandIn();
    const port = await freePort();
    const started = standIn.start({ PORT: String(port), STAND_IN_LISTEN_AFTER_MS: '3000' });
    await eventually(() => started.printed().includes('> Starting the API'), 30_000);
    const other = createServer((_, response) => response.end('{}')).listen(port, '127.0.0.1');

    expect(await started.ended).toBe(1);

    expect(started.printed()).toContain('The API stopped while starting: Error: listen EADDRINUSE');
    expect(started.printed()).not.toContain('serves at');
    other.close();
    standIn.remove();
  }, 60_000);

  it('after a kill has one winner among several that begin at once, and one set of engines', async () => {
    const standIn = new StandIn();
    const killed = standIn.start({ PORT: String(await freePort()) });
    await eventually(() => killed.printed().includes('/messages '), 30_000);
    killed.process.kill('SIGKILL');
    await killed.ended;

    const several: Started[] = [];
    for (let i = 0; i < 4; i += 1) several.push(standIn.start({ PORT: String(await freePort()) }));
    await eventually(() => several.some((one) => one.printed().includes('/messages ')), 40_000);
    const losers = several.filter((one) => !one.printed().includes('/messages '));

    expect(await Promise.all(losers.map((one) => one.ended))).toEqual([1, 1, 1]);
    for (const one of losers)
      expect(one.printed()).toMatch(/EdgeChat is already running from this folder \(process \d+\)/);
    expect(standIn.processes().filter(({ folder }) => path.basename(folder).startsWith('redis-'))).toHaveLength(1);
    const winner = several.find((one) => !losers.includes(one));
    winner?.process.kill('SIGTERM');
    expect(await winner?.ended).toBe(0);
    expect(standIn.processes()).toEqual([]);
    rmSync(standIn.folder, { recursive: true, force: true });
    standIn.remove();
  }, 90_000);
});
