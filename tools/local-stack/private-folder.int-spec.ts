import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, startEngine } from './engines.mjs';
import { closeToOthers } from './private-folder.mjs';
import { StandIn } from './stand-in.js';

const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);
const itForRoot = process.getuid?.() === 0 ? it : it.skip;
const itOnLinux = process.platform === 'linux' ? it : it.skip;

/** Every path under a folder. */
const everythingIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name));

/** Those of these paths that somebody who is neither we nor PostgreSQL's user can read, or list. */
function readableByOthers(paths: readonly string[]): string[] {
  const program = `
    const { openSync, readdirSync, closeSync } = require('node:fs');
    const can = (work) => { try { work(); return true; } catch { return false; } };
    const paths = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
    console.log(JSON.stringify(paths.filter((one) => can(() => closeSync(openSync(one))) || can(() => readdirSync(one)))));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
    uid: 54_321,
    gid: 54_321,
    cwd: '/',
    input: JSON.stringify(paths),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** The addresses that processes listen at, as /proc tells them. */
function listenersOf(pids: readonly number[]): string[] {
  const sockets = new Set(
    pids.flatMap((pid) => readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))),
  );
  return ['tcp', 'tcp6'].flatMap((family) =>
    readFileSync(`/proc/net/${family}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.has(`socket:[${inode}]`))
      .map(([, local = '']) => local.split(':', 1).join('')),
  );
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return ''; // closed while we looked
  }
}

describe('the data of npm start', () => {
  let standIn: StandIn;
  beforeEach(() => {
    standIn = new StandIn();
  });
  afterEach(() => standIn.remove());

  const startUp = async () => {
    const started = standIn.start({ PORT: String(await freePort()) });
    const deadline = Date.now() + 50_000;
    while (!started.printed().includes('/messages ') && Date.now() < deadline) await pause(50);
    expect(started.printed()).toContain('/messages ');
    return started;
  };

  it('is its owner’s alone, also where it was open before', async () => {
    const data = path.join(standIn.folder, '.data');
    mkdirSync(path.join(data, 'left-from-before'), { recursive: true });
    for (const folder of [path.join(data, 'left-from-before'), data]) chmodSync(folder, 0o777);

    const started = await startUp();

    // 0711 where PostgreSQL runs as another user, who has to pass.
    expect(modeOf(data)).toMatch(/^7(00|11)$/);
    for (const name of ['mongo', 'redis', 'left-from-before'])
      expect([name, modeOf(path.join(data, name))]).toEqual([name, '700']);
    for (const name of ['run.json', 'stores.json', 'postgres/server.log', 'postgres/engine.json', 'redis/server.log'])
      expect([name, modeOf(path.join(data, name))]).toEqual([name, '600']);
    started.process.kill('SIGTERM');
    expect(await started.ended).toBe(0);
  }, 90_000);

  itForRoot(
    'is read by nobody else while it is used',
    async () => {
      const started = await startUp();
      const all = everythingIn(path.join(standIn.folder, '.data'));
      expect(all.length).toBeGreaterThan(20);
      expect(readableByOthers([path.join(standIn.folder, '.data'), ...all])).toEqual([]);
      expect(readableByOthers([standIn.source])).toEqual([standIn.source]);
      started.process.kill('SIGTERM');
      await started.ended;
    },
    60_000,
  );

  itOnLinux(
    'is reached from this machine alone: all that runs listens on the loopback address',
    async () => {
      const started = await startUp();
      const listeners = listenersOf(standIn.processes().map(({ pid }) => pid));
      expect(listeners.length).toBeGreaterThanOrEqual(5);
      expect(listeners.filter((address) => address !== '0100007F')).toEqual([]);
      expect(started.printed()).toContain('start with HOST=0.0.0.0: now only this machine reaches it');
      started.process.kill('SIGTERM');
      await started.ended;
    },
    60_000,
  );
});

describe('a folder of data', () => {
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(path.join(tmpdir(), 'edgechat private '));
    chmodSync(parent, 0o755);
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  itForRoot(
    'lets PostgreSQL, which runs as another user there, pass to what is its own, and shows nothing to all others',
    async () => {
      const dataDir = path.join(parent, 'data');
      const bin = path.join(parent, 'bin');
      mkdirSync(bin);
      symlinkSync(process.execPath, path.join(bin, 'node')); // and no unshare
      mkdirSync(path.join(dataDir, 'mongo'), { recursive: true });
      writeFileSync(path.join(dataDir, 'mongo', 'text'), 'secret');
      expect(closeToOthers(dataDir)).toBe(true);
      const env = { ...process.env, PATH: bin };

      const engine = await startEngine('postgres', { dataDir, env, temporary: true });
      try {
        const cluster = everythingIn(dataDir).find((one) => one.endsWith('/cluster')) ?? '';
        expect(statSync(cluster).uid).not.toBe(0);
        expect([dataDir, path.dirname(path.dirname(cluster)), path.dirname(cluster), cluster].map(modeOf)).toEqual([
          '711',
          '711',
          '711',
          '700',
        ]);
        expect(readableByOthers([dataDir, ...everythingIn(dataDir)])).toEqual([]);
        await engine.kill();
        closeToOthers(dataDir);
        await engine.restart();
        expect(engine.pid).not.toBeNull();
      } finally {
        await engine.kill();
      }
    },
    60_000,
  );
});
