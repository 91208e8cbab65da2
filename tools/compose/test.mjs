import { backup } from './backup.mjs';
import { badInput } from './bad-input.mjs';
import { base } from './base.mjs';
import { check, counts, figures, must, Unmet } from './checks.mjs';
import { dev } from './dev.mjs';
import { removeAll } from './docker.mjs';
import { startEngine } from './engine.mjs';
import { hardening, oldVolumes } from './hardening.mjs';
import { buildImages, images } from './images.mjs';
import { production } from './production.mjs';
import { proxy } from './proxy.mjs';
import { refusals } from './refusals.mjs';
import { buildBroken, buildNext } from './releases.mjs';
import { roles } from './roles.mjs';
import { scale } from './scale.mjs';
import { projects } from './stack.mjs';

// `npm run test:compose`: the images and the stack as people run them, on a real engine; ends with one line `N passed, N failed`.
// Everything it makes has a name of its own, so that it can run beside a real stack, and is removed in the end.

const beganAt = Date.now();
const part = (name) => console.log(`\n== ${name} (after ${Math.round((Date.now() - beganAt) / 1_000)} s)`);

async function parts() {
  part('images');
  await check('both images are built', buildImages);
  must(counts.failed === 0, 'nothing can be tested without images');
  await images();
  part('docker compose up');
  const stack = await base();
  await hardening(stack, 'alone');
  await oldVolumes();
  part('roles');
  await roles(stack);
  part('backup and restore');
  await backup(stack);
  part('many replicas');
  await check('images of the next release, and of one that is broken, are built', async () => {
    await buildNext();
    await buildBroken();
  });
  await scale(stack, 'next');
  part('the proxy');
  await proxy(stack);
  await hardening(stack, 'behind the proxy');
  part('bad input');
  await badInput(stack);
  await refusals();
  await check('down -v removes all of it', () => stack.down('-v'));
  part('development');
  await dev();
  part('production');
  await production();
}

let stopEngine = async () => undefined;
let isCleaning = false;

/** Takes down all that this run made; the engine too, if this run started it. */
async function clean() {
  if (isCleaning) return;
  isCleaning = true;
  await check('nothing of this run is left behind', async () => {
    const left = await removeAll(projects);
    must(left.length === 0, 'containers, volumes and networks', left);
  });
  await stopEngine();
}

async function end(exitCode = 0) {
  await clean();
  if (figures.length > 0) console.log(`\n${figures.join('\n')}`);
  console.log(`\n${counts.passed} passed, ${counts.failed} failed`);
  process.exit(exitCode || (counts.failed > 0 || counts.passed === 0 ? 1 : 0));
}

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.on(signal, () => {
    counts.failed += 1;
    void end(exitCode);
  });
}

try {
  stopEngine = await startEngine();
  await parts();
} catch (error) {
  counts.failed += 1;
  console.error(error instanceof Unmet ? error.message : error);
}
await end();
