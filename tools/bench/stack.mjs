import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startEngines } from '../local-stack/engines.mjs';
import { startGuard } from '../local-stack/guard.mjs';
import { Failure, end, launch, livingProcesses, pause, run } from '../local-stack/processes.mjs';
import { ask } from './control.mjs';

const ROOT = join(import.meta.dirname, '../..');
const HERE = import.meta.dirname;
const PROGRAMS = {
  api: 'dist/apps/api/main.js',
  worker: 'dist/apps/worker/main.js',
  floor: 'tools/bench/floor/main.mjs',
  load: 'tools/bench/load.mjs',
};
const STARTS_WITHIN_MS = 30_000;

/** A measured process, or the generator. */
class Program {
  constructor(name, launched, { port, control, startedMs }) {
    Object.assign(this, { name, launched, port, control, startedMs });
  }

  get pid() {
    return this.launched.pid;
  }

  ask(question, argument) {
    return ask(this.control, question, argument);
  }

  async stop() {
    await end([this.launched], 15_000);
  }
}

/** Engines, processes and settings of one run of the benchmark; all of it is its own and thrown away at the end. */
export class Stack {
  #count = 0;

  constructor(folder, engines, env) {
    Object.assign(this, { folder, engines, env });
  }

  /** Empty engines with the schema of today's release in them. @throws Failure when an engine cannot be had or the build does not migrate */
  static async start(signal, say) {
    startGuard();
    const folder = mkdtempSync(join(tmpdir(), 'edgechat-bench-'));
    chmodSync(folder, 0o755); // PostgreSQL may run as another user, who has to get in
    await run('the build', process.execPath, [join(ROOT, 'tools/build/build.mjs')], {
      cwd: ROOT,
      signal,
      env: process.env,
    });
    const engines = await startEngines({ dataDir: join(folder, 'data'), temporary: true, guard: true, signal, say });
    // The limit on requests is counted as ever, and never reached; of text there is none, for the load is a few accounts' that send more than any person would.
    const env = {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      ...engines.env,
      JWT_SECRET: randomBytes(32).toString('base64url'),
      HOST: '127.0.0.1',
      AI_PROVIDER: 'demo',
      RATE_LIMIT_REQUESTS: '10000000',
      // The accounts are new, and stand for old ones, which count on themselves alone.
      RATE_LIMIT_ADDRESS_FACTOR: 'unlimited',
      REGISTRATIONS_PER_HOUR: 'unlimited',
      REGISTRATIONS_PER_DAY: 'unlimited',
      TEXT_MB_PER_DAY: 'unlimited',
      STRANGERS_PER_DAY: 'unlimited',
      // One account searches on all connections, in the place of many: what is kept for those who search seldom would not be its.
      SEARCHES_AT_ONCE: 'unlimited',
      SEARCHES_AT_ONCE_PER_ACCOUNT: 'unlimited',
      SEARCH_POOL_MAX: '10',
    };
    const stack = new Stack(folder, engines, env);
    await run('the migration', process.execPath, [join(ROOT, PROGRAMS.worker), 'migrate'], { env, signal });
    return stack;
  }

  /** Starts a program, with the probe in it unless told otherwise, and waits until it says that it has started. `startedMs` is how long that took. */
  async launch(name, { isProbed = name !== 'load' } = {}) {
    const port = await freePort();
    this.#count += 1;
    const control = join(this.folder, `${name}-${this.#count}.sock`);
    const env = {
      ...this.env,
      PORT: String(port),
      WORKER_HEALTH_PORT: String(port),
      ...(name === 'load' ? { BENCH_CONTROL: control } : { BENCH_PROBE: control }),
    };
    const beganAt = performance.now();
    const launched = await launch(
      name,
      process.execPath,
      [...(isProbed ? ['--import', join(HERE, 'probe.mjs')] : []), join(ROOT, PROGRAMS[name])],
      {
        role: name === 'worker' ? 'worker' : 'api',
        cwd: this.folder,
        env,
        logFile: join(this.folder, `${name}-${this.#count}.log`),
      },
    );
    const path = name === 'worker' ? '/health/started' : '/api/v1/health/started';
    const isUp =
      name === 'load'
        ? () => ask(control, 'hello').catch(() => false)
        : () => answersWell(`http://127.0.0.1:${port}${path}`);
    while (!(await isUp())) {
      if (performance.now() - beganAt > STARTS_WITHIN_MS)
        throw new Failure(`${name} did not start:\n${launched.output()}`);
      await pause(5);
    }
    return new Program(name, launched, { port, control, startedMs: performance.now() - beganAt });
  }

  /** Ends everything, apps before engines. */
  async stop() {
    await end(livingProcesses('api', 'worker', 'tool'), 10_000);
    await this.engines.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const answersWell = (url) =>
  fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    ({ ok, body }) => body.cancel().then(() => ok),
    () => false,
  );
