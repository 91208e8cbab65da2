import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where each task of Nx leaves how many of its checks passed and failed, as `<project>.<target>.json`. Nx keeps the files of cached tasks. */
export const COUNTS_FOLDER = join(import.meta.dirname, '../../dist/tests');

/**
 * Writes the counts of the Nx task that this process is a part of, for `npm test` to add up; does nothing outside of one.
 * @param {number} passed
 * @param {number} failed
 * @param {string[]} failures what failed and how, one text each: `npm test` repeats them at its end
 */
export function writeCounts(passed, failed, failures) {
  const { NX_TASK_TARGET_PROJECT: project, NX_TASK_TARGET_TARGET: target } = process.env;
  if (!project || !target) return;

  mkdirSync(COUNTS_FOLDER, { recursive: true });
  writeFileSync(join(COUNTS_FOLDER, `${project}.${target}.json`), JSON.stringify({ passed, failed, failures }));
}
