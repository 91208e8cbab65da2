import { ALL, waitsOf } from './judge.mjs';

const COLUMN = 44;
const line = (name, value) => `  ${name.padEnd(COLUMN)} ${value}`;
const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`.padStart(10);
const cells = (values) => values.join(' ');

/** The figures, a line each. @returns {string[]} */
export function figuresOf({ calm, attack, owed, machine, settings, errors }) {
  return [
    `machine: ${machine}; load and product share it`,
    `settings other than by default: ${JSON.stringify(settings)}`,
    ...phaseLines('calm: harmless calls from the attackers’ addresses', calm),
    ...phaseLines('attack', attack),
    'the honest: p50 and p99 beside harmless calls, p50, p99 and longest beside the attack, and p99 by p99',
    ...waitLines(calm, attack),
    line('longest slice beside the attack', longestSlice(attack)),
    ...insideLines('inside the processes, calm', calm),
    ...insideLines('inside the processes, attack', attack),
    'after the end',
    line('seconds until owed work was done', owed.seconds?.toFixed(1) ?? 'not within the time'),
    ...[...errors].map(([words, { count }]) => line(`logged: ${words.slice(0, COLUMN - 8)}`, count)),
    ...owed.left.map(({ what, entries, attempts }) => line(`left: ${what}`, `${entries}, up to ${attempts} attempts`)),
  ];
}

const byCount = ([, one], [, other]) => other - one;

function phaseLines(title, { generator, honest, seconds }) {
  const outcomes = ({ made, notMade, outcomes: all }) =>
    [
      `${made} made${notMade === 0 ? '' : `, ${notMade} not made: too many under way`}`,
      ...Object.entries(all)
        .sort(byCount)
        .map(([outcome, count]) => `${outcome} (${count})`),
    ].join('; ');
  const bad = {};
  for (const { reason, isGood } of honest.calls) if (!isGood) bad[reason] = (bad[reason] ?? 0) + 1;
  return [
    title,
    ...Object.entries(generator.tallies).map(([name, tally]) => line(name, outcomes(tally))),
    line('calls of the honest', `${honest.calls.length}, ${(honest.calls.length / seconds).toFixed(0)} a second`),
    line('5xx to the honest', honest.calls.filter(({ reason }) => reason.startsWith('5')).length),
    ...Object.entries(bad).map(([reason, count]) => line(`to the honest: ${reason}`, count)),
    line('longest wait for health', ms(waitsOf(honest.calls).get('health')?.maxMs ?? 0)),
    line('delay of their generator, p99', ms(honest.ownDelayP99Ms)),
  ];
}

function waitLines(calm, attack) {
  const before = waitsOf(calm.honest.calls);
  const during = waitsOf(attack.honest.calls);
  const kinds = [ALL, ...[...during.keys()].filter((kind) => kind !== ALL).sort()];
  return kinds.map((kind) => {
    const beside = before.get(kind) ?? { p50Ms: 0, p99Ms: 0 };
    const { count, p50Ms, p99Ms, maxMs } = during.get(kind) ?? { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
    const ratio = beside.p99Ms === 0 ? '-' : (p99Ms / beside.p99Ms).toFixed(2);
    return line(
      `${kind} (${count})`,
      cells([ms(beside.p50Ms), ms(beside.p99Ms), ms(p50Ms), ms(p99Ms), ms(maxMs), ratio]),
    );
  });
}

function longestSlice({ probes }) {
  const all = Object.entries(probes).flatMap(([process, { works }]) =>
    Object.entries(works).map(([work, { longestMs }]) => ({ process, work, longestMs })),
  );
  const [longest] = all.sort((one, other) => other.longestMs - one.longestMs);
  return longest === undefined
    ? 'none was measured'
    : `${longest.longestMs.toFixed(1)} ms, ${longest.work} in ${longest.process}`;
}

function insideLines(title, { peaks, probes }) {
  return [
    title,
    ...Object.entries(peaks).map(([name, peak]) => line(`${name}, highest memory`, `${Math.round(peak)} MiB`)),
    ...Object.entries(probes).flatMap(([name, { delayP99Ms, delayMaxMs, works }]) => [
      line(`${name}, delay of the event loop, p99 and longest`, cells([ms(delayP99Ms), ms(delayMaxMs)])),
      ...Object.entries(works).map(([work, { count, longestMs, longestProcessorMs, mostCharacters }]) =>
        line(
          `${name}, slices of ${work}`,
          `${count}, longest ${ms(longestMs).trim()} (of the processor at most ${ms(longestProcessorMs).trim()}), most ${mostCharacters} characters`,
        ),
      ),
    ]),
  ];
}
