import { channel } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { answerAt } from './control.mjs';

// Loaded into a measured process by `node --import`, product and floor alike. It does nothing until it is asked to.
//   BENCH_PROBE=<path>   the socket at which it is asked

const SAMPLED_EVERY_MS = 5;
const TOP = 25;
const delay = monitorEventLoopDelay({ resolution: SAMPLED_EVERY_MS });
const session = new Session();
let chunks = [];

/** The histogram counts the time between two of its timers: what is above their interval is delay. */
const delayMs = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - SAMPLED_EVERY_MS);

function readDelay() {
  delay.disable();
  return { p50Ms: delayMs(delay.percentile(50)), p99Ms: delayMs(delay.percentile(99)), maxMs: delayMs(delay.max) };
}

/** What V8's allocation tracker saw: each allocation, with the function that made it. */
function sumAllocations({ snapshot: { meta }, trace_function_infos: infos, trace_tree: tree, strings }) {
  const [width, name, file] = [
    meta.trace_function_info_fields.length,
    meta.trace_function_info_fields.indexOf('name'),
    meta.trace_function_info_fields.indexOf('script_name'),
  ];
  const functions = new Map();
  const total = { count: 0, bytes: 0 };
  const walk = ([, info, count, bytes, children]) => {
    const script = strings[infos[info * width + file]] ?? '';
    if (script === 'node:inspector') return; // what the measurement itself allocates
    total.count += count;
    total.bytes += bytes;
    const where = `${strings[infos[info * width + name]] || '(anonymous)'} ${script.replace(/.*node_modules\//, '')}`;
    const known = functions.get(where) ?? { where, count: 0, bytes: 0 };
    functions.set(where, { where, count: known.count + count, bytes: known.bytes + bytes });
    for (let i = 0; i < children.length; i += 5) walk(children.slice(i, i + 5));
  };
  walk(tree);
  return { ...total, top: [...functions.values()].sort((a, b) => b.bytes - a.bytes).slice(0, TOP) };
}

/** How often the process passed which of its named places, and which store calls it made; the floor names none. */
let counts = {};
const countPoint = (point) => (counts[point] = (counts[point] ?? 0) + 1);
const countCall = ({ store, operation }) => countPoint(`${store} ${operation}`);

session.connect();
session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => chunks.push(params.chunk));

if (process.env.BENCH_PROBE) {
  answerAt(process.env.BENCH_PROBE, {
    startDelay: () => {
      delay.reset();
      delay.enable();
    },
    readDelay,
    startCounts: () => {
      counts = {};
      channel('edgechat:point').subscribe(countPoint);
      channel('edgechat:store-call').subscribe(countCall);
    },
    readCounts: () => {
      channel('edgechat:point').unsubscribe(countPoint);
      channel('edgechat:store-call').unsubscribe(countCall);
      return counts;
    },
    startAllocations: () => session.post('HeapProfiler.startTrackingHeapObjects', { trackAllocations: true }),
    readAllocations: async () => {
      chunks = [];
      await session.post('HeapProfiler.stopTrackingHeapObjects', { reportProgress: false });
      const sums = sumAllocations(JSON.parse(chunks.join('')));
      chunks = [];
      await session.post('HeapProfiler.disable');
      return sums;
    },
    startProfile: async () => {
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: 200 });
      await session.post('Profiler.start');
    },
    writeProfile: async (file) => {
      const { profile } = await session.post('Profiler.stop');
      writeFileSync(file, JSON.stringify(profile));
    },
  }).unref();
}
