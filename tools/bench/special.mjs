import { pause } from '../local-stack/processes.mjs';
import { memoryOf } from './cpu.mjs';
import { median } from './statistics.mjs';
import { SCENARIOS } from './scenarios.mjs';

// What is measured otherwise than by product and floor in turns.

const named = (id) => SCENARIOS.find((scenario) => scenario.id === id);
const sends = named('send');
const RESTS_MS = 2_000;

/** How long a process takes from nothing to started, and what it holds then. Others run meanwhile and do nothing. */
async function rest(bench) {
  const figures = {};
  for (const name of ['api', 'worker', 'floor']) {
    const starts = [];
    for (let i = 0; i < (bench.pace.rounds > 1 ? 3 : 1); i += 1) {
      const program = await bench.stack.launch(name, { isProbed: false });
      await pause(RESTS_MS);
      starts.push({ startMs: program.startedMs, ...memoryOf(program.pid) });
      await program.stop();
    }
    figures[name] = Object.fromEntries(
      Object.keys(starts[0]).map((key) => [key, median(starts.map((one) => one[key]))]),
    );
  }
  return figures;
}

/** Messages are sent while no worker runs; then one is started, and has to pay what is owed. */
async function worker(bench) {
  await bench.worker.stop();
  const { kept } = await bench.drive('product', sends, { seconds: bench.pace.seconds });
  const messages = kept.flat().length;
  const debts = await bench.stores.backlog();
  bench.worker = await bench.stack.launch('worker');
  await bench.worker.ask('startCounts');
  const seconds = await bench.stores.drained(120_000);
  const counts = await bench.worker.ask('readCounts');
  if (seconds === null) throw new Error('the worker did not pay what was owed within 2 minutes');
  await sends.check(bench, { kept });
  return {
    messages,
    debts,
    seconds,
    messagesPerSecond: messages / seconds,
    jobsPerMessage: (counts['job.done'] ?? 0) / messages,
    storeCallsPerMessage: perRequest(counts, messages),
  };
}

const perRequest = (counts, requests) =>
  Object.fromEntries(
    Object.entries(counts)
      .filter(([name]) => name.includes(' '))
      .map(([name, n]) => [name, n / requests])
      .sort(([, a], [, b]) => b - a),
  );

/** Under full load: what the API asks of the stores per send, what the worker does per message meanwhile, and how many sends share a transaction. */
async function calls(bench) {
  await Promise.all([bench.api.ask('startCounts'), bench.worker.ask('startCounts')]);
  const { kept, answered } = await bench.drive('product', sends, { seconds: bench.pace.seconds });
  const api = await bench.api.ask('readCounts');
  await bench.stores.drained();
  const jobs = await bench.worker.ask('readCounts');
  await sends.check(bench, { kept });
  const transactions = api['postgres conversations.send_messages'] ?? NaN;
  return {
    sends: answered,
    sendsPerTransaction: answered / transactions,
    jobsPerMessage: (jobs['job.done'] ?? 0) / answered,
    api: perRequest(api, answered),
    worker: perRequest(jobs, answered),
  };
}

/** Every allocation that product and floor make for a request, counted by V8 itself; it slows them down, so nothing else is measured then. */
async function allocations(bench) {
  const figures = {};
  const scenarios = ['send', 'page-100-newest']
    .map(named)
    .filter(({ groups }) => groups.every((group) => group in bench.stack.groups));
  for (const scenario of scenarios) {
    for (const subject of ['floor', 'product']) {
      // A process that was tracked before may die of it.
      const name = subject === 'product' ? 'api' : 'floor';
      await bench[name].stop();
      const program = (bench[name] = await bench.stack.launch(name));
      await bench.drive(subject, scenario, { seconds: 1, connections: 8 });
      await program.ask('startAllocations');
      const { answered, kept } = await bench.drive(subject, scenario, { seconds: 30, connections: 8, requests: 200 });
      const { bytes, count, top } = await program.ask('readAllocations');
      figures[`${scenario.id}, ${subject}`] = {
        bytes: bytes / answered,
        allocations: count / answered,
        top: top.map((one) => ({ where: one.where, bytes: one.bytes / answered, count: one.count / answered })),
      };
      if (!scenario.owes) continue;
      await bench.stores.drained();
      await scenario.forget(bench, kept);
    }
  }
  return figures;
}

const MANY = 2_000;

/** Far more connections than the queue takes: what is refused says when to come back, and who is taken is served as fast as ever. */
async function overload(bench) {
  await bench.api.ask('startDelay');
  const before = bench.cpu();
  const result = await bench.drive('product', sends, {
    seconds: Math.max(4, 2 * bench.pace.seconds),
    connections: MANY,
  });
  const delay = await bench.api.ask('readDelay');
  const apiCpuS = (bench.cpu().api - before.api) / 1e6;
  const drainedS = await bench.stores.drained();
  await sends.check(bench, result);
  const others = Object.entries(result.statuses).filter(([status]) => status !== '200' && status !== '503');
  if (others.length > 0 || result.withoutRetryAfter > 0)
    throw new Error(
      `answers other than 200 and 503 with Retry-After: ${JSON.stringify(result.statuses)}, ${result.withoutRetryAfter} of 503 without it`,
    );
  return {
    connections: MANY,
    perSecond: result.perSecond,
    refused: result.statuses[503] ?? 0,
    accepted: result.answered,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    delay,
    apiCpuS,
    drainedS,
  };
}

export const SPECIAL = [
  { id: 'rest', title: 'start and memory at rest', groups: [], measure: rest },
  { id: 'calls', title: 'store calls per send under full load', groups: ['send'], measure: calls },
  { id: 'worker', title: 'the worker alone with a burst', groups: ['send'], measure: worker },
  { id: 'overload', title: '2,000 connections sending at once', groups: ['send'], measure: overload },
  { id: 'allocations', title: 'bytes and allocations per request', groups: ['send', 'page100'], measure: allocations },
];
