// @ts-check
// Readable for old versions of Node, and so is what it imports: they are to get a sentence, not a syntax error.
import { mkdtempSync, rmdirSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';

/** @returns {string | null} why this machine cannot run it */
export function whyNot() {
  if (process.platform === 'win32')
    return 'EdgeChat does not run on native Windows: use WSL2 (wsl --install) and start again inside it, or docker compose up.';
  const parts = process.versions.node.split('.').map(Number);
  const major = parts[0] || 0;
  const minor = parts[1] || 0;
  if (major > 20 || (major === 20 && minor >= 19)) return null;
  return (
    'EdgeChat needs Node 20.19 or newer, and this is Node ' +
    process.versions.node +
    ': install a newer one from https://nodejs.org and start again.'
  );
}

/** @returns {string | null} why there can be no temporary files */
export function whyNoTemporaryFiles() {
  try {
    rmdirSync(mkdtempSync(join(tmpdir(), 'edgechat-')));
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return (
      'No temporary file can be made in ' +
      tmpdir() +
      ' (' +
      code +
      '): make that folder, make room in it, or set TMPDIR to one that can be written.'
    );
  }
}

/** Ctrl-C ends the process with 130, and likewise other signals, for as long as nobody else answers to them: nothing is to be cleaned up yet. */
export function endBySignals() {
  /** @type {[NodeJS.Signals, number][]} */
  const codes = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ];
  codes.forEach(([signal, code]) => {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(code);
    });
  });
}
