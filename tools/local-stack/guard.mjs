// @ts-check
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { end, onProcesses } from './processes.mjs';

const file = fileURLToPath(import.meta.url);
let isStarted = false;

/**
 * Starts a process that ends what this one started once this one is gone, by whatever signal. It hears of every change through a
 * pipe, and knows by the pipe's end. Safe to repeat: there is one per process.
 */
export function startGuard() {
  if (isStarted) return;
  isStarted = true;
  const guard = spawn(process.execPath, [file], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  if ('unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref();
  onProcesses((all) => {
    const recorded = all.map(({ pid, startedAt, what, role, stopSignal, patienceMs }) => ({
      pid,
      startedAt,
      what,
      role,
      stopSignal,
      patienceMs,
    }));
    guard.stdin.write(`${JSON.stringify(recorded)}\n`);
  });
}

if (process.argv[1] === file) {
  /** @type {import('./processes.mjs').Recorded[]} */
  let recorded = [];
  for await (const line of createInterface({ input: process.stdin })) recorded = JSON.parse(line);
  await end(recorded, 0);
}
