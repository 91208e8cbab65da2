import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { INSTALL, isInstalled, whyNotInstalled } from '../build/install.mjs';
import { startGuard } from '../local-stack/guard.mjs';
import { Failure, end, launch, onProcesses } from '../local-stack/processes.mjs';
import { COUNTS_FOLDER } from './counts.mjs';
import { startTestEngines } from './engines.mjs';

// `npm test`: everything, from a fresh clone, ending with one line `N passed, N failed`.
// `npm test -- <file>…`: just these spec files, with engines when one of them needs some.

const root = join(import.meta.dirname, '../..');
const NX = ['node', 'node_modules/nx/dist/bin/nx.js'];
const JEST = ['node', '--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
const KINDS = { unit: '.spec.ts', int: '.int-spec.ts', e2e: '.e2e-spec.ts' };

/** A `.env` here is for `npm start`: tests are the same with and without it. Nx neither asks nor calls home. */
const QUIET = { NX_LOAD_DOT_ENV_FILES: 'false', NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false', CI: 'true' };

const stopping = new AbortController();
let living = [];
onProcesses((all) => {
  living = all;
});

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };
let stoppedWith = null;

async function stop(signal) {
  if (stopping.signal.aborted) return;
  stoppedWith = EXIT_CODES[signal];
  stopping.abort(new Failure(`${signal}: everything that was started is ended`));
  await end(living, 10_000);
}
startGuard();
process.on('SIGINT', stop);
process.on('SIGTERM', stop);

/** Runs a command with its output shown, and says how long it took. Resolves to whether it went well. */
async function run(what, [command, ...args], env = {}) {
  stopping.signal.throwIfAborted();
  const beganAt = Date.now();
  console.log(`\n== ${what}`);
  const child = await launch(what, command, args, {
    cwd: root,
    env: { ...process.env, ...QUIET, ...env },
    onOutput: (text, stream) => process[stream].write(text),
  });
  const { code } = await child.exited;
  stopping.signal.throwIfAborted();
  console.log(`== ${what}: ${code === 0 ? 'done' : 'failed'} in ${((Date.now() - beganAt) / 1_000).toFixed(1)} s`);
  return code === 0;
}

/** The sum of what the tasks of these targets counted; a failure without a count (a build, a crash) is one. */
function countsOf(targets, isDone) {
  const counts = { passed: 0, failed: 0, failures: [] };
  for (const file of readdirSync(COUNTS_FOLDER).filter((name) => targets.includes(name.split('.')[1]))) {
    const { passed, failed, failures = [] } = JSON.parse(readFileSync(join(COUNTS_FOLDER, file), 'utf8'));
    counts.passed += passed;
    counts.failed += failed;
    counts.failures.push(...failures.map((failure) => `${file.slice(0, -'.json'.length)}: ${failure}`));
  }
  if (isDone || counts.failed > 0) return counts;
  return { ...counts, failed: 1, failures: [`${targets.join(', ')}: ended badly without counting a failure`] };
}

/** Runs these targets of all projects through Nx. */
async function runTargets(targets, { parallel, env }) {
  const style = parallel > 1 ? [] : ['--output-style=stream'];
  return countsOf(
    targets,
    await run(targets.join(', '), [...NX, 'run-many', '-t', ...targets, `--parallel=${parallel}`, ...style], env),
  );
}

async function testAll() {
  // The engines begin beside the checks that need none: on a new machine they are fetched first.
  const starting = startTestEngines(stopping.signal);
  starting.catch(() => undefined);
  try {
    const checks = await runTargets(['lint', 'typecheck', 'test', 'build'], { parallel: 2 });
    const { env } = await starting;
    // One project at a time: such tests wait and measure, and a project runs two files side by side already.
    const integration = await runTargets(['test-int'], { parallel: 1, env });
    return [checks, integration, await runTargets(['e2e'], { parallel: 1, env })];
  } finally {
    const engines = await starting.catch(() => null);
    await engines?.stop();
  }
}

/** Runs the named spec files only, kind by kind. */
async function testFiles(files) {
  const kinds = Object.keys(KINDS).filter((kind) => files.some((file) => file.endsWith(KINDS[kind])));
  if (kinds.length === 0)
    throw new Failure(`None of these is a spec file (*${Object.values(KINDS).join(', *')}): ${files.join(' ')}`);

  const needsEngines = kinds.some((kind) => kind !== 'unit');
  if (kinds.includes('e2e')) await run('build', ['node', 'tools/build/build.mjs']);
  const engines = needsEngines ? await startTestEngines(stopping.signal) : { env: {}, stop: async () => undefined };
  const counts = [];
  try {
    for (const kind of kinds) {
      const own = files.filter((file) => file.endsWith(KINDS[kind]));
      const jest = [...JEST, '--config', `tools/testing/${kind}.jest.js`, '--runTestsByPath', ...own];
      const isDone = await run(kind, jest, {
        ...engines.env,
        NX_TASK_TARGET_PROJECT: 'named',
        NX_TASK_TARGET_TARGET: kind,
      });
      counts.push(countsOf([kind], isDone));
    }
  } finally {
    await engines.stop();
  }
  return counts;
}

async function main(files) {
  if (!isInstalled()) {
    if (!(await run('npm ci', ['npm', ...INSTALL]))) return [{ passed: 0, failed: 1, failures: [] }];
    const leftOut = whyNotInstalled();
    if (leftOut !== null) throw new Failure(leftOut);
  }

  rmSync(COUNTS_FOLDER, { recursive: true, force: true });
  mkdirSync(COUNTS_FOLDER, { recursive: true });
  return files.length > 0 ? testFiles(files) : testAll();
}

const counts = await main(process.argv.slice(2)).catch((error) => {
  console.error(error instanceof Failure ? error.message : error);
  return [{ passed: 0, failed: 1, failures: [] }];
});
const passed = counts.reduce((sum, one) => sum + one.passed, 0);
const failed = counts.reduce((sum, one) => sum + one.failed, 0);
await end(living, 10_000);
if (stoppedWith !== null) process.exit(stoppedWith);
// Once more, at the end: what is in the middle of thousands of lines nobody finds.
for (const failure of counts.flatMap(({ failures }) => failures)) console.log(`\n== FAILED ${failure.slice(0, 3_000)}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
