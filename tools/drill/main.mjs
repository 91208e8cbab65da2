import path from 'node:path';
import { parseArgs } from 'node:util';
import { Failure } from '../local-stack/processes.mjs';
import { build, needsBuild } from '../local-stack/project-state.mjs';
import { audit } from './audit.mjs';
import { makeCast } from './cast.mjs';
import { Door } from './door.mjs';
import { Faults, planFaults } from './faults.mjs';
import { Lane } from './lane.mjs';
import { randomOf } from './random.mjs';
import { report } from './report.mjs';
import { awaitAnswers, repeatUnknown } from './settle.mjs';
import { ROOT, System } from './system.mjs';
import { drillStrangers } from './strangers/run.mjs';
import { Truth } from './truth.mjs';
import { Turnover } from './turnover.mjs';
import { Violations } from './violations.mjs';

// The drill: the whole system under load while something is hit each 2 s, by a client that knows HTTP and what was promised.
// `npm run drill -- --seconds 120 --seed 7`; ends with 0 when every promise was kept, 1 when not. With `--strangers` nothing is hit, and strangers attack.

const USAGE = `Usage: npm run drill -- [--seconds 120] [--seed N] [--logs FOLDER] [--built]
       npm run drill -- --strangers [--counts-only] [--rate 100] [--seconds 120] [--logs FOLDER] [--built]
  --seconds      how long things are hit, or strangers attack, 4 to 3600
  --seed         0 to 4294967295: the same faults and choices again; by chance when left out
  --logs         writes what the processes log into this folder
  --built        takes dist/ as it is
  --strangers    no faults: strangers do all at once what costs the service most, beside 20 honest people; first as many harmless calls. One API and one
                 worker run by their default settings and those that the environment names, such as SEARCHES_AT_ONCE=4. Linux only
  --rate         with --strangers: per cent of the usual calls a second of the strangers, 1 to 1000
  --counts-only  with --strangers: judges answers, memory and owed work; shows waits and slices, and does not judge them
`;
const LANES = 2;
const say = (line) => console.log(line);

/** @throws Failure */
function readOptions(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        seconds: { type: 'string', default: '120' },
        seed: { type: 'string' },
        logs: { type: 'string' },
        built: { type: 'boolean', default: false },
        strangers: { type: 'boolean', default: false },
        rate: { type: 'string', default: '100' },
        'counts-only': { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new Failure(`${error.message}\n${USAGE}`);
  }
  const wholeFrom = (name, text, least, most) => {
    if (!/^[0-9]{1,10}$/.test(text) || Number(text) < least || Number(text) > most)
      throw new Failure(`--${name} must be a whole number from ${least} to ${most}.\n${USAGE}`);
    return Number(text);
  };
  return {
    seconds: wholeFrom('seconds', values.seconds, 4, 3_600),
    seed: wholeFrom('seed', values.seed ?? String(Math.floor(Math.random() * 1_000_000)), 0, 4_294_967_295),
    logs: values.logs === undefined ? undefined : path.resolve(values.logs),
    isBuilt: values.built,
    isStrangers: values.strangers,
    rate: wholeFrom('rate', values.rate, 1, 1_000) / 100,
    isCountsOnly: values['counts-only'],
  };
}

/** What all parts of a drill share. */
function newDrill(seed, system, violations, signal) {
  const counts = new Map();
  return {
    seed,
    system,
    violations,
    signal,
    counts,
    isOn: true,
    shareDone: () => 0,
    truth: new Truth(violations),
    doors: system.apis.map((api) => new Door(api, violations)),
    count: (what, by = 1) => counts.set(what, (counts.get(what) ?? 0) + by),
  };
}

/** Everybody does what they do until the last fault is healed. */
async function underFire(drill, faults) {
  const { truth } = drill;
  const turnovers = truth.conversations
    .filter(({ rotating }) => rotating.length > 0)
    .map((conversation) => new Turnover(drill, conversation));
  const lanes = truth.people.flatMap((person) => Array.from({ length: LANES }, (_, n) => new Lane(drill, person, n)));
  const end = () => {
    drill.isOn = false;
  };
  await Promise.all([
    faults.run().finally(end),
    ...[...lanes, ...turnovers].map((one) =>
      one.run().catch((error) => {
        end();
        throw error;
      }),
    ),
  ]);
  return turnovers;
}

/** Makes true what clients can make true: everybody is in again, each send settled, each question answered. */
async function settle(drill, turnovers) {
  for (const turnover of turnovers)
    for (const person of drill.truth.people)
      if (turnover.conversation.members.get(person.n)?.state === 'out') await turnover.takeIn(person);
  await repeatUnknown(drill);
  await awaitAnswers(drill);
}

/** Faults, and people who go on. */
async function drillFaults({ seconds, seed, logs }, { signal, violations }) {
  const system = await System.start({ signal, say: (line) => say(`  ${line}`), violations, logs });
  const drill = newDrill(seed, system, violations, signal);
  const figures = { ...drill, faults: [], secondsUnderFire: seconds, servedAt: [] };
  try {
    await makeCast(drill.doors, randomOf(seed, 'cast'), drill.truth);
    const faults = new Faults(system, planFaults(seed, seconds), { signal, say });
    const beganAt = performance.now();
    violations.since = beganAt;
    drill.shareDone = () => (performance.now() - beganAt) / (seconds * 1_000);
    const turnovers = await underFire(drill, faults);
    await Promise.all([...system.apis, ...system.workers].map((app) => app.mended()));
    Object.assign(figures, {
      faults: faults.begun,
      secondsUnderFire: (performance.now() - beganAt) / 1_000,
      servedAt: [...drill.truth.servedAt],
    });
    say('all is healed: what is owed is waited for, and everything looked at');
    await settle(drill, turnovers);
    await audit(drill);
  } catch (error) {
    if (signal.aborted || !(error instanceof Failure)) throw error;
    violations.add('the drill could not go on', error.message);
  } finally {
    for (const door of drill.doors) door.close();
    await system.end();
  }
  return report(figures);
}

async function run(options, signal) {
  const violations = new Violations();
  if (!options.isBuilt && needsBuild(ROOT)) await build(ROOT, process.env, signal, say);
  const lines = options.isStrangers
    ? await drillStrangers(options, { signal, say, violations })
    : await drillFaults(options, { signal, violations });
  return { violations, lines };
}

/** @returns the exit code */
async function main(args) {
  const ending = new AbortController();
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    process.once(name, () =>
      ending.abort(Object.assign(new Failure(`${name}: everything that was started is ended`), { exitCode: code })),
    );
  try {
    const options = readOptions(args);
    if (!options.isStrangers)
      say(
        `seed ${options.seed} (the same again: npm run drill -- --seconds ${options.seconds} --seed ${options.seed})`,
      );
    const { violations, lines } = await run(options, ending.signal);
    for (const line of lines) say(line);
    if (violations.count === 0) say('\nEvery promise was kept.');
    else
      say(
        `\n${violations.count} violations${options.isStrangers ? '' : `, seed ${options.seed}`}:\n${violations.lines().join('\n')}`,
      );
    return violations.count === 0 ? 0 : 1;
  } catch (error) {
    const reason = ending.signal.aborted ? ending.signal.reason : error;
    console.error(reason instanceof Failure ? reason.message : reason);
    return reason.exitCode ?? 1;
  }
}

process.exit(await main(process.argv.slice(2)));
