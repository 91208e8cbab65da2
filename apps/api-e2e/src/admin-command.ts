import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import type { Stack } from '@edgechat/testing';

const WORKER = join(import.meta.dirname, '../../../dist/apps/worker/main.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The worker's commands on the stores of a stack, as an operator gives them. Redis is not among their stores. */
export class AdminCommands {
  constructor(private readonly stack: Stack) {}

  /** Starts a command of the worker. */
  command(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): { readonly child: ChildProcessWithoutNullStreams; readonly output: () => string; readonly ended: Promise<Ended> } {
    const { DATABASE_URL, MONGODB_URL } = this.stack.stores.appEnv;
    const child = spawn(process.execPath, [WORKER, ...args], {
      env: { PATH: process.env['PATH'], DATABASE_URL, MONGODB_URL, REDIS_URL: 'redis://127.0.0.1:1', ...env },
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (chunk: Buffer) => {
        texts[name] += chunk.toString();
      });
    return {
      child,
      output: () => texts.stderr,
      ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, ...texts }))),
    };
  }

  /** Runs a command of `admin` with this on its standard input, to its end. */
  admin(args: readonly string[], input = ''): Promise<Ended> {
    const { child, ended } = this.command(['admin', ...args]);
    child.stdin.end(input);
    return ended;
  }
}
