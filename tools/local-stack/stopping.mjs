// @ts-check
import { send } from './identity.mjs';
import { livingProcesses, pause } from './processes.mjs';

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
// npm passes Ctrl-C on to us, and the terminal sends it too: only a later one means impatience.
const impatientAfterMs = 1_000;
/** A signal for all processes of the terminal ends a tool of ours before we hear of it ourselves. */
const signalComesWithinMs = 50;

/** Somebody wants it to end. */
export class Stopped extends Error {
  /** @param {keyof typeof exitCodes} signal */
  constructor(signal) {
    super(signal);
    this.exitCode = exitCodes[signal];
  }
}

/** @returns {AbortController} aborted with Stopped by SIGINT, SIGTERM, SIGHUP, or when nobody reads our output any more */
export function untilStopped() {
  const controller = new AbortController();
  let firstAt = 0;
  /** @param {keyof typeof exitCodes} signal */
  const onSignal = (signal) => {
    if (firstAt === 0) {
      firstAt = Date.now();
      controller.abort(new Stopped(signal));
    } else if (Date.now() - firstAt > impatientAfterMs) {
      for (const one of livingProcesses()) send(-one.pid, 'SIGKILL');
    }
  };
  process
    .on('SIGINT', () => onSignal('SIGINT'))
    .on('SIGTERM', () => onSignal('SIGTERM'))
    .on('SIGHUP', () => onSignal('SIGHUP'));
  // npm that is killed (or a shell between it and us that swallows a signal) would leave us alone with the system: then nobody wants it.
  const parent = process.ppid;
  if (process.env['npm_lifecycle_event'] !== undefined)
    setInterval(() => process.ppid === parent || onSignal('SIGTERM'), 500).unref();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => onSignal('SIGHUP'));
  return controller;
}

/**
 * @param {unknown} error that ended the work @param {AbortSignal} signal of untilStopped
 * @returns {Promise<unknown>} what ended it in truth: the signal that is the cause of the error, or the error
 */
export async function causeOf(error, signal) {
  if (!signal.aborted) await pause(signalComesWithinMs);
  return signal.reason instanceof Stopped ? signal.reason : error;
}
