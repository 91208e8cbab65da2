import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const localStack = import.meta.dirname;

/**
 * Both processes in a few lines: they say their pid, serve the health paths, `migrate` ends well, `admin` with 3, SIGTERM ends them. The API takes
 * STAND_IN_DRAIN_MS for that, and listens after STAND_IN_LISTEN_AFTER_MS.
 */
const app = (name: 'api' | 'worker', portVariable: string) => `
  if (process.argv[2] === 'migrate') process.exit(0);
  if (process.argv[2] === 'admin') {
    console.log(process.argv.slice(3).join(' ') + ' on ' + process.env.DATABASE_URL);
    process.exit(3);
  }
  console.log('pid ' + process.pid + ' demo ' + process.env.AI_DEMO_FALLBACK);
  setTimeout(() => {
    const server = require('node:http').createServer((_, response) => response.end('{}'));
    server.listen(process.env.${portVariable}, '127.0.0.1', () => process.send?.('listening'));
  }, ${name === 'api' ? 'Number(process.env.STAND_IN_LISTEN_AFTER_MS ?? 0)' : '0'});
  process.on('SIGTERM', () => {
    console.log('is to end');
    setTimeout(() => console.log('ends') ?? process.exit(0), ${name === 'api' ? 'Number(process.env.STAND_IN_DRAIN_MS ?? 0)' : '0'});
  });`;

/** A start that was begun: its process, what it printed so far, and its end. */
export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<number | string>;
  printed(): string;
}

/** Each process with the folder it works in, as far as it may be read. */
function everyProcess(): { pid: number; folder: string }[] {
  if (!existsSync('/proc/self')) {
    const listed = execFileSync('lsof', ['-d', 'cwd', '-F', 'pn'], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    return [...listed.matchAll(/^p(\d+)\n(?:f.*\n)?n(.*)$/gm)].map(([, pid, folder]) => ({
      pid: Number(pid),
      folder: folder ?? '',
    }));
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [{ pid: Number(pid), folder: readlinkSync(`/proc/${pid}/cwd`) }];
      } catch {
        return []; // it ended while we looked
      }
    });
}

/** A project folder with stand-ins for the two apps, in a path with a space. */
export class StandIn {
  readonly folder: string;

  constructor() {
    const parent = mkdtempSync(path.join(realpathSync(tmpdir()), 'edgechat start '));
    chmodSync(parent, 0o755);
    this.folder = path.join(parent, 'project');
    for (const [name, variable] of [
      ['api', 'PORT'],
      ['worker', 'WORKER_HEALTH_PORT'],
    ] as const) {
      mkdirSync(path.join(this.folder, 'dist', 'apps', name), { recursive: true });
      writeFileSync(path.join(this.folder, 'dist', 'apps', name, 'main.js'), app(name, variable));
    }
    // For --watch: sources, and a build that changes nothing.
    for (const folder of ['apps/api/src', 'libs/one/src', 'tools/build'])
      mkdirSync(path.join(this.folder, folder), { recursive: true });
    writeFileSync(this.source, 'export {};\n');
    writeFileSync(path.join(this.folder, 'tools', 'build', 'build.mjs'), '');
    const main = pathToFileURL(path.join(localStack, 'main.mjs')).href;
    const cacheDir = path.join(localStack, '..', '..', '.data', 'engines');
    writeFileSync(
      path.join(this.folder, 'run.mjs'),
      `import { start } from ${JSON.stringify(main)};
       const engines = { allowUrls: false, allowDocker: false, cacheDir: ${JSON.stringify(cacheDir)} };
       process.exit(await start({ projectDir: import.meta.dirname, prepare: false, watch: process.argv.includes('--watch'), engines }));`,
    );
  }

  /** A source file of the project. */
  get source(): string {
    return path.join(this.folder, 'libs', 'one', 'src', 'index.ts');
  }

  /** Begins `npm start` here, or with `--watch` what `npm run dev` does. */
  start(env: Record<string, string>, ...args: string[]): Started {
    const child = spawn(process.execPath, ['run.mjs', ...args], {
      cwd: this.folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const ended = new Promise<number | string>((resolve) =>
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
    );
    return { process: child, ended, printed: () => printed };
  }

  /** What `npm run admin -- <args>` does here. */
  admin(env: Record<string, string>, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const { DATABASE_URL, ...others } = process.env;
    return spawnSync(process.execPath, [path.join(localStack, 'admin.mjs'), ...args], {
      cwd: this.folder,
      env: { ...others, ...env },
      encoding: 'utf8',
    });
  }

  /** All processes that work in this folder or under it: so do the start, both apps and all engines. */
  processes(): { pid: number; folder: string }[] {
    return everyProcess().filter(({ folder }) => folder.startsWith(this.folder));
  }

  remove(): void {
    rmSync(path.dirname(this.folder), { recursive: true, force: true });
  }
}
