import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, startEngine } from './engines.mjs';
import { lookAtMongo, lookAtPostgres, lookAtRedis } from './ready.mjs';
import { StandIn } from './stand-in.js';

async function eventually(claim: () => boolean, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!claim() && Date.now() < deadline) await pause(50);
  expect(claim()).toBe(true);
}

async function aPort(): Promise<{ PORT: string }> {
  return { PORT: String(await freePort()) };
}

describe('the chain of engines', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'edgechat chain '));
    chmodSync(folder, 0o755);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const onlyThePath = (env: Record<string, string>) => ({
    dataDir: folder,
    temporary: true,
    env,
    links: ['server on the PATH'],
  });

  const aServer = (version: string) => {
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'redis-server'), `#!/bin/sh\necho 'Redis server v=${version} sha=0'\n`);
    chmodSync(path.join(bin, 'redis-server'), 0o755);
    return bin;
  };

  it('passes over a server that is too old, and says so with what to install', async () => {
    const bin = aServer('5.0.14');

    await expect(startEngine('redis', onlyThePath({ PATH: bin }))).rejects.toThrow(
      new RegExp(
        `^No Redis could be started\\. Install Redis 6\\.2 or newer .*set REDIS_URL.*6\\.2 or newer is needed, and ${bin}/redis-server is 5\\.0\\.14`,
        's',
      ),
    );
  });

  it('opens data with nothing but the engine and major version that wrote it', async () => {
    const bin = aServer('7.0.15');
    mkdirSync(path.join(folder, 'redis'));
    writeFileSync(path.join(folder, 'redis', 'engine.json'), '{"engine":"Redis","major":6,"where":"process"}');

    await expect(startEngine('redis', onlyThePath({ PATH: bin }))).rejects.toThrow(
      /was written by Redis 6, which cannot be started now.*has Redis 7/s,
    );
  });

  it('takes a URL before everything else, and names the variable when nobody answers there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const env = { REDIS_URL: `redis://user:secret@127.0.0.1:${port}/0` };

    const engine = await startEngine('redis', { dataDir: folder, env, allowUrls: true });
    await new Promise((resolve) => server.close(resolve));

    expect(engine).toMatchObject({ url: env.REDIS_URL, pid: null, describe: `Redis at 127.0.0.1:${port} (REDIS_URL)` });
    await expect(
      startEngine('redis', { dataDir: folder, env, allowUrls: true, signal: AbortSignal.timeout(500) }),
    ).rejects.toThrow();
  });

  it.each([
    ['postgres', (port: number) => lookAtPostgres(port, 'edgechat', 'edgechat')],
    ['mongo', lookAtMongo],
    ['redis', lookAtRedis],
  ] as const)('%s comes back on its port after a kill, is silent while it hangs, and ends', async (kind, look) => {
    const engine = await startEngine(kind, { dataDir: folder, temporary: true });
    const { pid, port } = engine;

    await engine.kill();
    expect([engine.pid, await look(port)]).toEqual([null, 'silent']);
    await engine.restart();
    expect([engine.pid === pid, await look(port)]).toEqual([false, 'ready']);
    engine.hang();
    expect(await look(port)).toBe('silent');
    engine.resume();
    expect(await look(port)).toBe('ready');
    await engine.stop();

    expect([engine.pid, await look(port)]).toEqual([null, 'silent']);
  });

  it('leaves no engine behind when the test that started it is killed', async () => {
    const script = `
      import { startEngine } from ${JSON.stringify(path.join(import.meta.dirname, 'engines.mjs'))};
      const engine = await startEngine('redis', { dataDir: ${JSON.stringify(folder)}, temporary: true, guard: true });
      process.stdout.write(String(engine.pid));
      setInterval(() => undefined, 1_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = Number(await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve)));

    child.kill('SIGKILL');

    await eventually(() => !isAlive(pid), 5_000);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('npm start', () => {
  let standIn: StandIn;
  beforeEach(() => {
    standIn = new StandIn();
  });
  afterEach(() => standIn.remove());

  it('serves, prints three commands last, and leaves no process after SIGTERM', async () => {
    const started = standIn.start(await aPort());
    await eventually(() => started.printed().includes('/messages '), 25_000);
    const lastLines = started.printed().trimEnd().split('\n').slice(-3);

    started.process.kill('SIGTERM');

    expect(lastLines.map((line) => line.split('curl ').length)).toEqual([2, 2, 2]);
    expect(await started.ended).toBe(0);
    expect(standIn.processes()).toEqual([]);
  });

  it.each([150, 500, 900, 1_400])('leaves no process when it is stopped %i ms after its beginning', async (delayMs) => {
    const started = standIn.start(await aPort());
    await pause(delayMs);

    started.process.kill('SIGTERM');

    expect([143, 0, 'SIGTERM']).toContain(await started.ended);
    expect(standIn.processes()).toEqual([]);
  });

  it('ends what a killed start has left, and refuses while another start lives', async () => {
    const env = await aPort();
    const killed = standIn.start(env);
    await eventually(() => killed.printed().includes('/messages '), 25_000);
    const meanwhile = standIn.start(env);
    expect(await meanwhile.ended).toBe(1);
    expect(meanwhile.printed()).toContain(
      `EdgeChat is already running from this folder (process ${killed.process.pid})`,
    );

    killed.process.kill('SIGKILL');
    await killed.ended;
    expect(standIn.processes().length).toBeGreaterThanOrEqual(5);
    const next = standIn.start(env);
    await eventually(() => next.printed().includes('/messages '), 25_000);

    expect(next.printed()).toMatch(/Ending what an earlier start has left \(.*The API.*\)/);
    next.process.kill('SIGINT');
    expect(await next.ended).toBe(0);
    expect(standIn.processes()).toEqual([]);
  }, 90_000);

  it('says in one sentence that the port is taken, before it starts anything', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    const started = standIn.start({ PORT: String(port) });

    expect(await started.ended).toBe(1);
    expect(started.printed().trim()).toMatch(
      new RegExp(`^Port ${port} is taken by another program: .* set PORT to a free port.*$`),
    );
    server.close();
  });

  it('stops everything and says why when an engine dies', async () => {
    const started = standIn.start(await aPort());
    await eventually(() => started.printed().includes('/messages '), 25_000);
    const [redis] = standIn.processes().filter(({ folder }) => path.basename(folder).startsWith('redis-'));

    spawn('kill', ['-KILL', String(redis?.pid)]);

    expect(await started.ended).toBe(1);
    expect(started.printed()).toMatch(/Redis .* ended unexpectedly/);
    expect(standIn.processes()).toEqual([]);
  });
});
