// @ts-check
import { migrate, whenEnded } from './apps.mjs';
import { Failure, livingProcesses, pause } from './processes.mjs';
import { build, builtSources, sourcesOf } from './project-state.mjs';
import { endInOrder } from './run-file.mjs';

// Looking beats being told: fs.watch loses a file that was replaced (sed -i, git, most editors), and whole folders of other machines.
const lookEveryMs = 500;
const settleMs = 200;

/**
 * @param {string} projectDir @param {string} known @param {AbortSignal} signal
 * @returns {Promise<string>} the sources once they are others than those known, and an editor (or git) is through with them
 */
async function changedSources(projectDir, known, signal) {
  for (let before = known; ;) {
    await pause(before === known ? lookEveryMs : settleMs);
    signal.throwIfAborted();
    const now = sourcesOf(projectDir);
    if (now !== known && now === before) return now;
    before = now;
  }
}

/**
 * Rebuilds and restarts the API and the worker on each change of a source. What does not build, migrate or start is said, and the next
 * change tried; a build that fails leaves the running processes alone. A process that ends by itself is said too.
 * @param {string} projectDir
 * @param {{ apps: import('./apps.mjs').App[], launchBoth: () => Promise<import('./apps.mjs').App[]>, context: import('./apps.mjs').AppContext }} system
 * @param {import('./terminal.mjs').Terminal} terminal
 * @returns {Promise<never>}
 */
export async function watchSources(projectDir, system, terminal) {
  const { context, launchBoth } = system;
  let isRestarting = false;
  /** @param {import('./apps.mjs').App} app */
  const tellEnd = async (app) => {
    const sentence = await whenEnded(app);
    if (!isRestarting && !context.signal.aborted)
      terminal.line(`${sentence}\nThe next change of a source starts it again.`);
  };
  for (const app of system.apps) void tellEnd(app);
  for (let known = builtSources(projectDir) ?? sourcesOf(projectDir); ;) {
    known = await changedSources(projectDir, known, context.signal);
    try {
      await terminal.step('Building again', () =>
        build(projectDir, context.env, context.signal, (line) => terminal.note(line)),
      );
      isRestarting = true;
      await endInOrder(livingProcesses('api', 'worker'));
      await migrate(context);
      const apps = await terminal.step('Starting the API and the worker again', launchBoth);
      for (const app of apps) void tellEnd(app);
    } catch (error) {
      if (context.signal.aborted || !(error instanceof Failure)) throw error;
      terminal.line(error.message);
    } finally {
      isRestarting = false;
    }
  }
}
