import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngines, freePort } from '../local-stack/engines.mjs';
import { startGuard } from '../local-stack/guard.mjs';
import { byLine } from '../local-stack/log-lines.mjs';
import { isStillRunning } from '../local-stack/identity.mjs';
import { appEnvOf, REDIS_USER } from '../local-stack/app-users.mjs';
import { end, Failure, howEnded, lastLines, launch, livingProcesses, pause, run } from '../local-stack/processes.mjs';

export const ROOT = path.resolve(import.meta.dirname, '../..');
/** Short, so that an answer that cannot come is given up within a drill. */
export const AI_TIMEOUT_MS = 10_000;
const FAULT_SETTINGS = {
  RATE_LIMIT_REQUESTS: '10000000',
  RATE_LIMIT_ADDRESS_FACTOR: 'unlimited',
  REGISTRATIONS_PER_HOUR: 'unlimited',
  REGISTRATIONS_PER_DAY: 'unlimited',
  TEXT_MB_PER_DAY: 'unlimited',
  STRANGERS_PER_DAY: 'unlimited',
  AI_PROVIDER: 'demo',
  AI_TIMEOUT_MS: String(AI_TIMEOUT_MS),
};
const STARTS_WITHIN_MS = 90_000;
/** A stopping process is gone after this long, and a little more on a machine that is busy with a drill. */
const STOPS_WITHIN_MS = 12_000;
const STOP_GRACE_MS = 2_000;
/** A connection may break a little before or after what we see of a process's end and beginning. */
const AROUND_MS = 300;

const mainOf = (app) => path.join(ROOT, 'dist', 'apps', app, 'main.js');

/** One process of the system: an API or a worker as it ships, on a port that it keeps over restarts. */
export class App {
  #process = null;
  #isEnding = false;
  #mended = Promise.resolve();
  #complaints = '';
  /** When its connections may have broken: from a signal of ours until it had started again. */
  #hits = [];
  /** When it stood still. */
  #stops = [];

  constructor(app, number, port, context) {
    this.app = app;
    this.name = `${app} ${number}`;
    this.port = port;
    this.context = context;
    this.health = `http://127.0.0.1:${port}${app === 'api' ? '/api/v1' : ''}/health/started`;
  }

  /** Starts it and waits until it says that it was ready. @throws Failure */
  async start() {
    const { env, nodeArgs, onLine, violations } = this.context;
    this.#complaints = '';
    const own =
      this.app === 'api' ? { HOST: '127.0.0.1', PORT: String(this.port) } : { WORKER_HEALTH_PORT: String(this.port) };
    const take = byLine((line) => onLine(this.name, line));
    const process = await launch(this.name, globalThis.process.execPath, [...nodeArgs, mainOf(this.app)], {
      role: this.app,
      patienceMs: STOPS_WITHIN_MS + STOP_GRACE_MS,
      cwd: ROOT,
      env: { ...env, ...own },
      onOutput: (text, stream) => {
        if (stream === 'stderr') this.#complaints = (this.#complaints + text).slice(-2_000);
        take(text);
      },
    });
    this.#process = process;
    this.#isEnding = false;
    void process.exited.then(async (exit) => {
      if (this.#process !== process || this.#isEnding || this.context.isOver || this.context.signal.aborted) return;
      await pause(100); // its last words may come after its end
      violations.add(
        'a process ended by itself',
        `${this.name}: ${howEnded(exit)}: ${this.#complaints.trim().slice(0, 600)}`,
      );
      this.#mended = this.#startAgain({
        from: performance.now() - AROUND_MS,
        endedAt: performance.now(),
        to: Infinity,
      });
      this.#mended.catch(() => undefined); // seen by who waits for it
    });
    await this.#started(process);
  }

  async #startAgain(hit) {
    this.#hits.push(hit);
    await this.start();
    hit.to = performance.now();
  }

  /** Of the process that runs now, or ran last. */
  get pid() {
    return this.#process.pid;
  }

  /** Resolves when it runs again after it has ended by itself. @throws Failure when it does not start */
  mended() {
    return this.#mended;
  }

  async #started(process) {
    const until = Date.now() + STARTS_WITHIN_MS;
    while (isStillRunning(process)) {
      this.context.signal.throwIfAborted();
      const answer = await fetch(this.health, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
      await answer?.body?.cancel();
      if (answer?.ok) return;
      if (Date.now() > until) break;
      await pause(50);
    }
    throw new Failure(`${this.name} did not start within ${STARTS_WITHIN_MS / 1_000} s${lastLines(this.#complaints)}`);
  }

  /** SIGKILL, and at once a new one. */
  async kill() {
    await this.#endAndStart('SIGKILL');
  }

  /** A stop in good order, and then a new one. */
  async stop() {
    const { code, signal } = await this.#endAndStart('SIGTERM');
    const tookMs = this.#hits.at(-1).endedAt - this.#hits.at(-1).from;
    if (code !== 0)
      this.context.violations.add(
        'a stop that was no good one',
        `${this.name}: ${howEnded({ code, signal })} ${Math.round(tookMs)} ms after SIGTERM${lastLines(this.#complaints)}`,
      );
    if (tookMs > STOPS_WITHIN_MS + STOP_GRACE_MS)
      this.context.violations.add('a slow stop', `${this.name}: ${Math.round(tookMs)} ms`);
  }

  async #endAndStart(signal) {
    await this.#mended;
    const hit = { from: performance.now(), endedAt: Infinity, to: Infinity };
    this.#hits.push(hit);
    this.#isEnding = true;
    this.#process.child.kill(signal);
    const exit = await this.#process.exited;
    hit.endedAt = performance.now();
    await this.start();
    hit.to = performance.now();
    return exit;
  }

  /** SIGSTOP, and SIGCONT once `waiting` has ended, however it did. */
  async hang(waiting) {
    const stop = { from: performance.now(), to: Infinity };
    this.#stops.push(stop);
    this.#process.child.kill('SIGSTOP');
    const { child } = this.#process;
    await waiting().finally(() => child.kill('SIGCONT'));
    stop.to = performance.now();
  }

  /** Whether its connections may have broken between two instants. */
  wasHit(from, to) {
    return this.#hits.some((hit) => hit.from - AROUND_MS < to && from < hit.to + AROUND_MS);
  }

  /** For how long it stood still between two instants. */
  stoodStillMs(from, to) {
    return this.#stops.reduce((sum, stop) => sum + Math.max(0, Math.min(to, stop.to) - Math.max(from, stop.from)), 0);
  }
}

/** API and worker processes on three engines, all of the drill's own and on free ports. */
export class System {
  /**
   * Two of each process, whose limits on requests are never reached, unless told otherwise.
   * @param {{ signal: AbortSignal, say: (line: string) => void, violations: import('./violations.mjs').Violations, logs: string | undefined,
   *   replicas?: number, nodeArgs?: string[], settings?: Record<string, string> }} context `settings`: what the processes are given besides the stores
   */
  static async start(context) {
    startGuard();
    const system = new System();
    system.folder = mkdtempSync(path.join(tmpdir(), 'edgechat-drill-'));
    chmodSync(system.folder, 0o755); // PostgreSQL may run as another user, who has to get in
    try {
      await system.#start(context);
      return system;
    } catch (error) {
      await system.end();
      throw error;
    }
  }

  async #start({
    signal,
    say,
    violations,
    logs,
    replicas = 2,
    nodeArgs = ['--enable-source-maps', '--max-old-space-size=256'],
    settings = FAULT_SETTINGS,
  }) {
    this.engines = await startEngines({ dataDir: this.folder, temporary: true, redisUser: REDIS_USER, signal, say });
    this.errors = new Map();
    const { MIGRATE_DATABASE_URL, ...stores } = appEnvOf(this.engines.env);
    this.env = {
      PATH: process.env['PATH'],
      ...stores,
      LOG_LEVEL: logs === undefined ? 'warn' : 'info',
      JWT_ACCESS_EXPIRE_MINUTES: '1440',
      ...settings,
    };
    this.context = { env: this.env, nodeArgs, violations, signal, isOver: false, onLine: this.#listener(logs) };
    await this.worker(['migrate'], signal, { MIGRATE_DATABASE_URL });
    this.apis = [];
    this.workers = [];
    for (let number = 1; number <= replicas; number += 1) {
      this.apis.push(new App('api', number, await freePort(), this.context));
      this.workers.push(new App('worker', number, await freePort(), this.context));
    }
    await Promise.all([...this.apis, ...this.workers].map((app) => app.start()));
  }

  /** Counts the errors that the processes log, by their words; writes all lines to a folder if one is named. */
  #listener(logs) {
    if (logs !== undefined) mkdirSync(logs, { recursive: true });
    const files = new Map();
    return (name, line) => {
      if (logs !== undefined) {
        if (!files.has(name)) files.set(name, createWriteStream(path.join(logs, `${name.replace(' ', '-')}.log`)));
        files.get(name).write(`${line}\n`);
      }
      if (!line.includes('"level":"error"') && !line.includes('"level":"fatal"')) return;
      const words = /"msg":"([^"]*)"/.exec(line)?.[1] ?? line.slice(0, 100);
      const seen = this.errors.get(words) ?? { count: 0, first: `${name}: ${line.slice(0, 1_500)}` };
      this.errors.set(words, { ...seen, count: seen.count + 1 });
    };
  }

  /** Runs a command of the worker's program to its end. @returns what it printed. @throws Failure with the end of it */
  worker(args, signal, env = {}) {
    return run(`the worker's ${args.join(' ')}`, process.execPath, [mainOf('worker'), ...args], {
      cwd: ROOT,
      env: { ...this.env, ...env },
      signal,
    });
  }

  /** Ends everything, whatever state it is in, and removes its folder. */
  async end() {
    if (this.context !== undefined) this.context.isOver = true;
    await this.engines?.kill();
    await end(livingProcesses(), 0);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
