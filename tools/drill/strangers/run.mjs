import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { Failure, run as runTool } from '../../local-stack/processes.mjs';
import { ROOT, System } from '../system.mjs';
import { figuresOf } from './figures.mjs';
import { judge } from './judge.mjs';
import { awaitOwed, findKept } from './owed.mjs';
import { ATTACKING, makePeople } from './people.mjs';
import { startProvider } from './provider.mjs';
import { MemoryWatch, readProbes } from './watch.mjs';

// The drill of strangers: first their accounts make harmless calls, then all of them attack, and at all times 20 honest people do what people do.

const HERE = import.meta.dirname;
/** A provider's usual time for a short answer; with it the attackers' questions take all the slots that they may have. */
const ANSWERS_AFTER_MS = 2_000;
/** The code of the product is compiled, and its caches filled, before anything counts. */
const WARM_UP_SHARE = 0.25;
const WARM_UP_MAX_S = 15;
/** The honest are there before the attackers come. */
const HONEST_FIRST_S = 3;
/** What the drill sets itself, or must not be told by the machine that it runs on. */
const NOT_PASSED_ON =
  /^(DATABASE_URL|MONGODB_URL|REDIS_URL|HOST|PORT|WORKER_HEALTH_PORT|APP_ENV|LOG_LEVEL|JWT_\w+|AI_PROVIDER|\w+_(API_KEY|BASE_URL|MODEL))$/;

/** The settings of `.env.example` that the environment names: everything else is as by default. */
function passedOn(environment) {
  const example = readFileSync(path.join(ROOT, '.env.example'), 'utf8');
  const names = [...example.matchAll(/^# ([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name);
  const given = names.filter((name) => !NOT_PASSED_ON.test(name) && environment[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, environment[name]]));
}

/** One API and one worker, as compose starts them. */
async function startSystem({ signal, say, violations, logs }, provider, passed, probes) {
  const settings = {
    NODE_ENV: 'production',
    AI_PROVIDER: 'openai',
    OPENAI_BASE_URL: provider.baseUrl,
    DRILL_PROBE: probes,
    STRANGERS_PER_DAY: 'unlimited', // else the attackers' groups were refused before they cost anything
    ...passed,
  };
  const nodeArgs = ['--max-old-space-size=256', '--import', path.join(HERE, 'probe.mjs')]; // as in the images
  return System.start({ signal, say, violations, logs, replicas: 1, nodeArgs, settings });
}

/**
 * Honest people and strangers side by side, each in a process of their own; after attacks, until what is owed is done.
 * @returns what both saw, and what was seen inside the product
 */
async function phase({ system, people, folder, watch, signal, seconds: whole, rate }, name, { isCalm, uncountedS }) {
  const seconds = whole + uncountedS;
  const { port } = system.apis[0];
  const act = async (program, own) => {
    const resultFile = path.join(folder, `${name}-${program}`);
    writeFileSync(`${resultFile}-plan`, JSON.stringify({ port, seconds, resultFile, ...own }));
    const args = [path.join(HERE, `${program}.mjs`), `${resultFile}-plan`];
    await runTool(program, process.execPath, args, { signal, env: {} });
    return JSON.parse(readFileSync(resultFile, 'utf8'));
  };
  const attackersTime = isCalm ? { waitS: 0, seconds } : { waitS: uncountedS, seconds: whole };
  const [honest, { generator, owed }] = await Promise.all([
    act('honest', { honest: people.honest, seed: isCalm ? 1 : 2 }),
    act('attackers', { ...people, addresses: ATTACKING, rate, isCalm, ...attackersTime }).then(async (generator) => ({
      generator,
      owed: isCalm ? null : await awaitOwed(system, people.honest, generator.endedAt),
    })),
  ]);
  people.honest = honest.honest;
  const counted = { ...honest, calls: honest.calls.filter(({ at }) => at >= uncountedS * 1_000) };
  const probes = await readProbes(watch.apps, folder);
  return { name, seconds: whole, honest: counted, generator, owed, probes, peaks: watch.take() };
}

async function measure(drill, say) {
  const { system, folder, watch, seconds } = drill;
  const warmUpS = Math.min(WARM_UP_MAX_S, Math.ceil(seconds * WARM_UP_SHARE));
  say(`${warmUpS} s of harmless calls to warm up, and ${seconds} s that count`);
  await readProbes(watch.apps, folder); // what the start took is no figure
  const calm = await phase(drill, 'calm', { isCalm: true, uncountedS: warmUpS });
  say(`${seconds} s of attacks, and then what is owed is waited for`);
  const attack = await phase(drill, 'attack', { isCalm: false, uncountedS: HONEST_FIRST_S });
  const missing = await findKept(system, drill.people.honest, attack.honest.kept);
  return { calm, attack, owed: attack.owed, missing };
}

/**
 * @param {{ seconds: number, rate: number, logs?: string, isCountsOnly: boolean }} options `rate`: share of the attackers' usual calls a second;
 *   `isCountsOnly`: waits and slices are shown, and not judged
 * @param {{ signal: AbortSignal, say: (line: string) => void, violations: import('../violations.mjs').Violations }} context
 * @returns {Promise<string[]>} the figures, a line each; none when the drill could not go on
 */
export async function drillStrangers({ seconds, rate, logs, isCountsOnly }, { signal, say, violations }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'edgechat-strangers-'));
  const provider = await startProvider(ANSWERS_AFTER_MS);
  const passed = passedOn(process.env);
  let system = null;
  let watch = null;
  try {
    system = await startSystem({ signal, say, violations, logs }, provider, passed, folder);
    say('accounts and conversations are made');
    const people = await makePeople(system);
    watch = new MemoryWatch([...system.apis, ...system.workers]);
    violations.since = performance.now();
    const figures = await measure({ system, people, folder, watch, signal, seconds, rate }, say);
    judge(figures, violations, { withTimes: !isCountsOnly });
    return figuresOf({
      ...figures,
      errors: system.errors,
      machine: `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`,
      settings: passed,
    });
  } catch (error) {
    if (signal.aborted || !(error instanceof Failure)) throw error;
    violations.add('the drill could not go on', error.message);
    return [];
  } finally {
    watch?.stop();
    provider.close();
    await system?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
