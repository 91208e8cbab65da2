import { channel } from 'node:diagnostics_channel';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

// Loaded into each process of the drill by `node --import`. At SIGUSR2 it writes what it saw since the last one, and begins anew.
//   DRILL_PROBE=<folder>   where it writes <pid>.json

const SAMPLED_EVERY_MS = 10;
const { DRILL_PROBE } = process.env;
const delay = monitorEventLoopDelay({ resolution: SAMPLED_EVERY_MS });
let works = {};

/** The histogram counts the time between two of its timers: what is above their interval is delay. */
const delayMs = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - SAMPLED_EVERY_MS);

channel('edgechat:slice').subscribe(({ work, ms, processorMs, characters }) => {
  const known = (works[work] ??= { count: 0, longestMs: 0, longestProcessorMs: 0, mostCharacters: 0 });
  known.count += 1;
  known.longestMs = Math.max(known.longestMs, ms);
  known.longestProcessorMs = Math.max(known.longestProcessorMs, Math.min(ms, processorMs));
  known.mostCharacters = Math.max(known.mostCharacters, characters);
});

function tell() {
  const file = join(DRILL_PROBE, `${process.pid}.json`);
  const figures = { works, delayP99Ms: delayMs(delay.percentile(99)), delayMaxMs: delayMs(delay.max) };
  works = {};
  delay.reset();
  writeFileSync(`${file}.new`, JSON.stringify(figures));
  renameSync(`${file}.new`, file); // whole, or not there
}

if (DRILL_PROBE !== undefined) {
  delay.enable();
  process.on('SIGUSR2', tell);
}
