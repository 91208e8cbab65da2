import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, end, livingProcesses } from '../local-stack/processes.mjs';
import { startCheckAt } from './checks.mjs';
import { GROUPS, READERS, load } from './data.mjs';
import { describeMachine } from './machine.mjs';
import { Bench, PACE } from './measure.mjs';
import { readOptions } from './options.mjs';
import { format, resolveConfig } from 'prettier';
import { pageWith } from './page.mjs';
import { plotOf } from './plot.mjs';
import { byGroup, selfTimes } from './profile.mjs';
import { goalsOf, lineOf } from './results.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { SPECIAL } from './special.mjs';
import { Stack } from './stack.mjs';
import { figure, plainTable, scenarioTable } from './table.mjs';
import { conversationIdOf } from './text.mjs';

// `npm run bench`: product and floor side by side on engines of their own; see docs/performance.md.

const ROOT = join(import.meta.dirname, '../..');
const OUT = join(ROOT, 'bench');
/** Of runs that are not the whole benchmark; not kept in the repository. */
const PARTS = join(ROOT, 'dist/bench');
const beganAt = Date.now();
const say = (line) => console.log(`${((Date.now() - beganAt) / 1_000).toFixed(0).padStart(5)} s  ${line}`);
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopping.abort(new Failure(`${signal}: everything that was started is ended`));
    void end(livingProcesses(), 10_000).then(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });
}

/** The groups of data that these scenarios need, loaded, and the processes on them. */
async function begin(stack, parts, pace) {
  const groups = [...new Set(parts.flatMap((part) => part.groups))];
  say(`loading ${groups.join(', ')}`);
  await load(stack, groups);
  for (const name of groups)
    for (let n = 0; n < GROUPS[name].count; n += 1) startCheckAt(conversationIdOf(name, n), GROUPS[name].size);
  const bench = new Bench(stack, pace, say);
  await bench.begin();
  return bench;
}

/** Scenarios of one family are measured together, the others by themselves; all in their order. */
function comparedOf(scenarios) {
  const families = new Map();
  for (const scenario of scenarios) {
    const { id, family = id } = scenario;
    families.set(family, [...(families.get(family) ?? []), scenario]);
  }
  return [...families.values()];
}

async function measureAll(bench, scenarios, special) {
  const results = { lines: [], special: {}, titles: Object.fromEntries(SPECIAL.map(({ id, title }) => [id, title])) };
  if ('page100' in bench.stack.groups) await bench.checkSendsAlike(conversationIdOf('page100', 1), READERS.page);
  for (const compared of comparedOf(scenarios)) {
    compared.forEach(({ title }) => say(title));
    const lines = (await bench.measure(compared)).map((measured, n) => lineOf(compared[n], measured));
    results.lines.push(...lines);
    for (const line of lines) {
      for (const [subject, why] of Object.entries(line.failures)) say(`  ${subject} does not count: ${why}`);
      if (line.ratio)
        say(`  ${figure(line.product.perSecond.median)} per second, the floor ${figure(line.floor.perSecond.median)}`);
    }
  }
  for (const one of special) {
    say(one.title);
    results.special[one.id] = await one.measure(bench).catch((error) => ({ failure: error.message.slice(0, 600) }));
  }
  return results;
}

async function write(results, isWhole) {
  const folder = isWhole ? OUT : PARTS;
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'results.json'),
    `${JSON.stringify(results, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value), 2)}\n`,
  );
  writeFileSync(join(folder, 'sizes.svg'), plotOf(results.lines));
  if (!isWhole) return;
  const page = join(ROOT, 'docs/performance.md');
  const made = pageWith(existsSync(page) ? readFileSync(page, 'utf8') : null, results);
  writeFileSync(page, await format(made, { ...(await resolveConfig(page)), parser: 'markdown' }));
}

/** Where the CPU of product, floor and worker goes in one scenario. */
async function profile(bench, scenario) {
  mkdirSync(PARTS, { recursive: true });
  for (const subject of ['floor', 'product']) {
    const programs = {
      [subject]: bench.programOf(subject),
      ...(subject === 'product' ? { worker: bench.worker } : {}),
    };
    await bench.drive(subject, scenario, { seconds: bench.pace.warmUpSeconds });
    for (const program of Object.values(programs)) await program.ask('startProfile');
    const { answered } = await bench.drive(subject, scenario, { seconds: bench.pace.seconds });
    await bench.stores.drained();
    for (const [name, program] of Object.entries(programs)) {
      const file = join(PARTS, `profile-${name}.cpuprofile`);
      await program.ask('writeProfile', file);
      const times = selfTimes(JSON.parse(readFileSync(file, 'utf8')));
      const show = (rows) =>
        rows.map(({ where, us }) => `${(us / answered).toFixed(1).padStart(8)} µs  ${where}`).join('\n');
      console.log(
        `\n${name}: ${answered} requests, CPU per request\n${show(byGroup(times).slice(0, 20))}\n\n${show(times.slice(0, 45))}`,
      );
    }
  }
}

async function main(args) {
  const options = readOptions(
    args,
    [...SCENARIOS, ...SPECIAL].map(({ id }) => id),
  );
  const scenarios = SCENARIOS.filter(({ id }) => options.isWanted(id));
  const special = SPECIAL.filter(({ id }) => options.isWanted(id));
  const pace = options.isQuick ? PACE.quick : PACE.full;
  const stack = await Stack.start(stopping.signal, say);
  try {
    const bench = await begin(stack, [...scenarios, ...special], pace);
    if (options.profile !== null) return await profile(bench, scenarios[0]);
    const measured = await measureAll(bench, scenarios, special);
    const results = {
      at: new Date(beganAt).toISOString(),
      machine: describeMachine(stack.engines),
      options: pace,
      ...measured,
      goals: goalsOf(measured),
    };
    await write(results, options.isWhole && !options.isQuick);
    console.log(`\n${results.machine.engines.join('\n')}\n\n${plainTable(scenarioTable(results.lines))}\n`);
    for (const { what, value, goal, isReached } of results.goals)
      console.log(`${isReached ? 'reached' : 'not yet'}  ${what}: ${figure(value)} (${goal})`);
    await bench.stores.close();
  } finally {
    await stack.stop();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Failure ? error.message : error);
  process.exitCode = 1;
}
await end(livingProcesses(), 10_000);
process.exit();
