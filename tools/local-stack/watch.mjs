// @ts-check
import { existsSync, watch } from 'node:fs';
import path from 'node:path';
import { migrate } from './apps.mjs';
import { Failure, end, livingProcesses } from './processes.mjs';
import { build } from './project-state.mjs';

const settleMs = 300;
const appPatienceMs = 12_000;

/** @param {string} projectDir @returns {() => Promise<void>} each call waits for the next change, and until an editor is through with it */
function changes(projectDir) {
  let isDirty = false;
  let wake = () => {};
  for (const folder of ['apps', 'libs'].map((name) => path.join(projectDir, name)).filter((name) => existsSync(name))) {
    watch(folder, { recursive: true }, (_, file) => {
      if (file !== null && !/\.(ts|json|sql|md)$/.test(file)) return;
      isDirty = true;
      wake();
    });
  }
  return async () => {
    if (!isDirty) await new Promise((resolve) => (wake = () => resolve(undefined)));
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    isDirty = false;
  };
}

/**
 * Rebuilds and restarts the API and the worker on each change of a source. What does not build, migrate or start is said, and the next
 * change tried; a build that fails leaves the running processes alone.
 * @param {string} projectDir
 * @param {{ launchBoth: () => Promise<import('./apps.mjs').App[]>, context: import('./apps.mjs').AppContext }} system
 * @param {import('./terminal.mjs').Terminal} terminal
 * @returns {Promise<never>}
 */
export async function watchSources(projectDir, system, terminal) {
  const { context, launchBoth } = system;
  const nextChange = changes(projectDir);
  for (;;) {
    await nextChange();
    try {
      await terminal.step('Building again', () => build(projectDir, context.env, context.signal, (line) => terminal.note(line)));
      await end(livingProcesses('app'), appPatienceMs);
      await migrate(context);
      await terminal.step('Starting the API and the worker again', launchBoth);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      terminal.line(error.message);
    }
  }
}
