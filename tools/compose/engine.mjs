import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { NODE_IMAGE, ROOT, run } from './docker.mjs';
import { Unmet } from './checks.mjs';

/** Beside the repository, on machines that reach no image registry. */
const STAND_INS = join(ROOT, '../shared/docker-standins');

const engineAnswers = async () =>
  (await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 20_000 })).code === 0;
const hasImage = async (image) => (await run('docker', ['image', 'inspect', image])).code === 0;

/** Runs the script with its output shown. Resolves to its exit code. */
const standIns = (command) =>
  new Promise((resolve) =>
    spawn(STAND_INS, [command], { stdio: ['ignore', 'inherit', 'inherit'] })
      .on('error', () => resolve(1))
      .on('close', resolve),
  );

/** Stops the engine that this run started, unless somebody else's containers are on it by now: they would end with it. */
async function stopStandIns() {
  const others = await run('docker', ['ps', '-aq']);
  if (others.code === 0 && others.stdout.trim() !== '') {
    console.log('The engine is left running: containers of others are on it.');
    return;
  }
  await standIns('stop');
}

/**
 * Sees to an engine that can build: the one that answers, else the stand-ins, where they are.
 * Resolves to what ends it again, which does nothing for an engine that was running before, or that others use by now.
 * @throws Unmet when there is none
 */
export async function startEngine() {
  const wasRunning = await engineAnswers();
  const leave = async () => undefined;
  if (wasRunning && ((await hasImage(NODE_IMAGE)) || (await run('docker', ['pull', NODE_IMAGE])).code === 0))
    return leave;

  if (!existsSync(STAND_INS)) {
    throw new Unmet(
      wasRunning
        ? `The image ${NODE_IMAGE} can neither be found nor pulled.`
        : 'No Docker engine answers: start Docker, and let this user speak to it.',
    );
  }
  if ((await standIns('up')) !== 0) throw new Unmet('the stand-ins for a Docker engine could not be started');
  return wasRunning ? leave : stopStandIns;
}
