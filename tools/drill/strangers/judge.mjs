/** What is owed is done so long after the attackers have left. */
export const OWED_WITHIN_S = 30;
/** How much longer than beside harmless calls the honest may wait while others attack. */
const RATIO_MAX = 3;
/** A 99th percentile of fewer calls than this is only their longest: it is shown, and not held against the limit. */
const SAMPLES_MIN = 100;
/** With longer waits in the calm the machine does not carry even the harmless load, and three times as long says nothing. */
const CALM_P99_MAX_MS = 500;
const SLICE_MAX_MS = 50;
const MEMORY_MAX_MIB = { api: 380, worker: 400 };
/** Their wait is that for the provider, or of no person. */
const NOT_OF_ALL = ['ask', 'health'];

export const ALL = 'all but ask';

function percentile(sorted, share) {
  return sorted.length === 0 ? 0 : sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** @returns {Map<string, { count: number, p50Ms: number, p99Ms: number, maxMs: number }>} by kind of call, with all together first */
export function waitsOf(calls) {
  const kinds = new Map([[ALL, []]]);
  for (const { kind, ms } of calls) {
    if (!NOT_OF_ALL.includes(kind)) kinds.get(ALL).push(ms);
    if (!kinds.has(kind)) kinds.set(kind, []);
    kinds.get(kind).push(ms);
  }
  return new Map(
    [...kinds].map(([kind, all]) => {
      const sorted = Float64Array.from(all).sort();
      const [p50Ms, p99Ms] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
      return [kind, { count: sorted.length, p50Ms, p99Ms, maxMs: sorted.at(-1) ?? 0 }];
    }),
  );
}

/** Holds the figures against what was promised. @param {{ withTimes: boolean }} options `withTimes`: waits and slices too, and not only counts */
export function judge(figures, violations, { withTimes }) {
  for (const phase of [figures.calm, figures.attack]) judgeAnswers(phase, violations);
  judgeMemory(figures.attack, violations);
  judgeOwed(figures, violations);
  if (!withTimes) return;
  judgeWaits(figures, violations);
  judgeSlices(figures.attack, violations);
}

/** No store is at fault here: each call of the honest is answered, and as it should be. */
function judgeAnswers({ name, honest }, violations) {
  for (const { kind, at, ms, reason, isGood } of honest.calls)
    if (!isGood)
      violations.addFigure(
        `to the honest: ${reason}`,
        `${name}, ${(at / 1_000).toFixed(1)} s after its beginning, ${kind}: after ${Math.round(ms)} ms`,
      );
}

function judgeMemory({ peaks }, violations) {
  for (const [process, peak] of Object.entries(peaks)) {
    const most = MEMORY_MAX_MIB[process.split(' ')[0]];
    if (peak > most) violations.addFigure('too much memory', `${process}: ${Math.round(peak)} MiB, more than ${most}`);
  }
}

function judgeOwed({ owed, missing }, violations) {
  for (const { what, entries, attempts } of owed.left)
    violations.addFigure(
      `owed work is left ${OWED_WITHIN_S} s after the end`,
      `${what}: ${entries} entries, up to ${attempts} attempts`,
    );
  for (const { status, replies } of owed.unanswered)
    violations.addFigure('questions of the honest have no answer', `${replies} replies are ${status}`);
  for (const one of missing) violations.addFigure('a message of the honest is not found', one);
}

function judgeWaits({ calm, attack }, violations) {
  const before = waitsOf(calm.honest.calls);
  const { p99Ms: calmP99Ms } = before.get(ALL);
  if (calmP99Ms > CALM_P99_MAX_MS)
    violations.addFigure(
      'the machine is too busy or too slow to compare',
      `p99 ${Math.round(calmP99Ms)} ms beside harmless calls, more than ${CALM_P99_MAX_MS}`,
    );
  for (const [kind, { count, p99Ms }] of waitsOf(attack.honest.calls)) {
    const beside = before.get(kind);
    if (kind === 'health' || count < SAMPLES_MIN || beside === undefined || beside.count < SAMPLES_MIN) continue;
    if (p99Ms > RATIO_MAX * beside.p99Ms)
      violations.addFigure(
        'the honest wait too long',
        `${kind}: p99 ${Math.round(p99Ms)} ms, ${(p99Ms / beside.p99Ms).toFixed(1)} times the ${Math.round(beside.p99Ms)} ms beside harmless calls`,
      );
  }
}

function judgeSlices({ probes }, violations) {
  const works = Object.entries(probes).flatMap(([process, one]) =>
    Object.entries(one.works).map(([work, figures]) => ({ process, work, ...figures })),
  );
  if (works.length === 0) violations.addFigure('no slice was measured', 'nothing was published on edgechat:slice');
  for (const { process, work, longestMs } of works)
    if (longestMs > SLICE_MAX_MS)
      violations.addFigure('a slice is too long', `${process}, ${work}: ${Math.round(longestMs)} ms`);
}
