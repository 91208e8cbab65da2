import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const FAIL_POINTS = join(import.meta.dirname, 'fail-points.mjs');
const STARTS_WITHIN_MS = 30_000;

export type AppEnv = Readonly<Record<string, string | undefined>>;

/** One running API or worker, as it ships: the built program, with the fail-points of the tests loaded into it. */
export class AppProcess {
  private child: ChildProcess | null = null;
  /** Resolves once it has ended and all that it wrote has been read. */
  private closed: Promise<number | null> = Promise.resolve(null);
  private lines = '';

  constructor(
    readonly app: 'api' | 'worker',
    private readonly env: AppEnv,
    private readonly healthUrl: string,
  ) {}

  get pid(): number {
    const pid = this.child?.pid;
    if (pid === undefined) throw new Error(`${this.app} does not run`);
    return pid;
  }

  get isRunning(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What it has written so far. */
  get output(): string {
    return this.lines;
  }

  /** Starts it; resolves once it has started as `/health/started` says, unless told not to wait. */
  async start(more: AppEnv = {}, { waits = true }: { readonly waits?: boolean } = {}): Promise<this> {
    const env = { PATH: process.env['PATH'], LOG_LEVEL: 'info', ...this.env, ...more };
    this.child = spawn(
      process.execPath,
      ['--max-old-space-size=256', '--import', FAIL_POINTS, join(ROOT, `dist/apps/${this.app}/main.js`)],
      {
        env,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    const keep = (chunk: Buffer): void => {
      this.lines = (this.lines + chunk.toString()).slice(-1_000_000);
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    const { child } = this;
    this.closed = new Promise((resolve) => child.once('close', (code) => resolve(code)));
    if (waits) await this.started();
    return this;
  }

  /** Resolves once it has started. @throws Error with its output when it ends or takes too long */
  async started(): Promise<void> {
    const until = Date.now() + STARTS_WITHIN_MS;
    while (!(await answersWell(`${this.healthUrl}/started`))) {
      if (!this.isRunning || Date.now() > until)
        throw new Error(`${this.app} did not start:\n${this.lines.slice(-4_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Sends a signal and resolves to the exit code, or null when the signal ended it. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    const exit = this.exited();
    if (this.isRunning) this.child?.kill(signal);
    return exit;
  }

  /** Resolves when it has ended, however that came, and `output` has its last words. */
  exited(): Promise<number | null> {
    return this.closed;
  }

  /** How often it has asked each store for what, since its start. */
  storeCalls(): Promise<Record<string, number>> {
    const { child } = this;
    if (!child) throw new Error(`${this.app} does not run`);
    return new Promise((resolve) => {
      const take = (message: unknown): void => {
        if (typeof message !== 'object' || message === null || !('storeCalls' in message)) return; // it tells other things, too
        child.off('message', take);
        resolve((message as { storeCalls: Record<string, number> }).storeCalls);
      };
      child.on('message', take).send('store-calls');
    });
  }
}

async function answersWell(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}
