/** A number as people read it: three digits that mean something, and commas between thousands. @param {number | undefined} value */
export function figure(value) {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  return value.toLocaleString('en', { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2 });
}

/** @param {{ median: number, lowest: number, highest: number } | undefined} spread */
export const spreadText = (spread) =>
  spread === undefined ? '–' : `${figure(spread.median)} (${figure(spread.lowest)}–${figure(spread.highest)})`;

const HEAD = [
  '',
  '',
  'per second',
  'p50 ms',
  'p99 ms',
  'API µs',
  'worker µs',
  'PostgreSQL µs',
  'MongoDB µs',
  'Redis µs',
  'to the floor',
  'API CPU to the floor',
];

/** The rows of the table of scenarios, two for each: product and floor. @param {readonly object[]} lines */
export function scenarioRows(lines) {
  return lines.flatMap((line) =>
    ['product', 'floor'].map((subject) => {
      const one = line[subject];
      const title = subject === 'product' ? line.title : '';
      if (line.failures[subject] !== undefined)
        return [title, subject, `does not count: ${line.failures[subject].split('\n', 1)[0]?.slice(0, 160)}`];
      const { app, worker, postgres, mongo, redis } = one.cpuUs;
      const ratios = subject === 'product' ? [spreadText(line.ratio), spreadText(line.cpuRatio)] : ['1', '1'];
      return [
        title,
        subject,
        spreadText(one.perSecond),
        figure(one.p50Ms),
        figure(one.p99Ms),
        ...[app, worker, postgres, mongo, redis].map(figure),
        ...ratios,
      ];
    }),
  );
}

export const scenarioTable = (lines) => ({ head: HEAD, rows: scenarioRows(lines) });

/** @param {{ head: string[], rows: string[][] }} table @returns {string} for a terminal */
export function plainTable({ head, rows }) {
  const widths = head.map((name, i) =>
    Math.max(name.length, ...rows.filter((row) => row.length === head.length).map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells) =>
    cells
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

/** @param {{ head: string[], rows: string[][] }} table @returns {string} for a page */
export function markdownTable({ head, rows }) {
  const line = (cells) => `| ${head.map((_, i) => (cells[i] ?? '').replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map((_, i) => (i < 2 ? ' --- ' : ' ---: ')).join('|')}|`, ...rows.map(line)].join('\n');
}
