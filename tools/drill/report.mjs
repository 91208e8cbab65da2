const COLUMN = 44;
const line = (name, value) => `  ${name.padEnd(COLUMN)} ${value}`;
const seconds = (ms) => `${(ms / 1_000).toFixed(2)} s`;

/**
 * For each kind of fault: how often; the longest time until a send was taken after it began; the longest time between two that were taken
 * that it had a part in; and the longest of these that it had alone. Faults overlap, and two at once may leave no API.
 * @param {{ name: string, from: number, to: number }[]} faults @param {number[]} servedAt ascending
 */
export function outages(faults, servedAt) {
  const kinds = new Map(
    [...new Set(faults.map(({ name }) => name))]
      .sort()
      .map((name) => [name, { times: 0, firstMs: 0, gapMs: 0, aloneMs: 0 }]),
  );
  for (const { name, from } of faults) {
    const kind = kinds.get(name);
    kind.times += 1;
    kind.firstMs = Math.max(kind.firstMs, (servedAt.find((at) => at >= from) ?? Infinity) - from);
  }
  for (let i = 1; i < servedAt.length; i += 1) {
    const gapMs = servedAt[i] - servedAt[i - 1];
    const having = faults.filter(({ from, to }) => from <= servedAt[i] && servedAt[i - 1] <= to);
    for (const { name } of having) {
      const kind = kinds.get(name);
      kind.gapMs = Math.max(kind.gapMs, gapMs);
      if (having.length === 1) kind.aloneMs = Math.max(kind.aloneMs, gapMs);
    }
  }
  return kinds;
}

/** The figures, a line each. @returns {string[]} */
export function report({ truth, counts, doors, faults, secondsUnderFire, servedAt, system }) {
  const kept = truth.sends.filter(({ fate }) => fate === 'accepted').length;
  const statuses = new Map();
  for (const door of doors)
    for (const [reason, count] of door.statuses) statuses.set(reason, (statuses.get(reason) ?? 0) + count);
  const answers = truth.conversations.reduce((sum, conversation) => sum + conversation.answers.size, 0);
  const sent = truth.sends.filter(({ isProbe }) => !isProbe).length;
  return [
    'messages',
    line('sent', sent),
    line('accepted', kept),
    line('accepted a second while things were hit', (servedAt.length / secondsUnderFire).toFixed(0)),
    line('questions', truth.sends.filter((send) => send.isOwedAnswer && send.fate === 'accepted').length),
    line('answers', answers),
    ...[...counts].sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, count]) => line(name, count)),
    'answers of the API by status and code',
    ...[...statuses].sort(([one], [other]) => (one < other ? -1 : 1)).map(([reason, count]) => line(reason, count)),
    'faults: how often, longest until a send was taken again, longest without one, and of these the longest that was due to it alone',
    ...[...outages(faults, servedAt)].map(([name, { times, ...ms }]) =>
      line(
        name,
        `${String(times).padStart(3)} ${Object.values(ms)
          .map((one) => seconds(one).padStart(9))
          .join(' ')}`,
      ),
    ),
    ...(system.errors.size === 0 ? [] : ['errors in the logs of the processes']),
    ...[...system.errors].map(([words, { count }]) => line(words.slice(0, COLUMN), count)),
  ];
}
