// Throughput and latency over the size of a conversation, drawn as SVG by hand. Pure.

const PANEL = { width: 420, height: 260, left: 56, top: 40, gap: 90 };
const COLOURS = ['#1b6ca8', '#c8553d', '#3c7a3b'];

const scale = (from, to, low, high) => (value) => low + ((value - from) / (to - from || 1)) * (high - low);
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** The smallest of 1, 2, 5 × 10ⁿ that is not below `value`. @param {number} value */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * (1 - 1e-9)) ?? value;
}

/**
 * @typedef {{ name: string, colour: number, isDashed: boolean, points: readonly { size: number, value: number }[] }} Series
 * @param {string} title @param {readonly Series[]} series @param {number} left
 */
function panel(title, series, left) {
  const points = series.flatMap((one) => one.points);
  const sizes = [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b);
  const top = roundUp(Math.max(0, ...points.map(({ value }) => value)));
  const x = scale(Math.log10(sizes[0] ?? 1), Math.log10(sizes.at(-1) ?? 10), left, left + PANEL.width);
  const y = scale(0, top, PANEL.top + PANEL.height, PANEL.top);
  const at = ({ size, value }) => `${x(Math.log10(size)).toFixed(1)},${y(value).toFixed(1)}`;
  const lines = series
    .filter((one) => one.points.length > 0)
    .flatMap((one) => [
      `<polyline fill="none" stroke="${COLOURS[one.colour]}" stroke-width="2"${one.isDashed ? ' stroke-dasharray="5 4"' : ''} points="${one.points.map(at).join(' ')}"/>`,
      ...one.points.map(
        (point) => `<circle cx="${at(point).replace(',', '" cy="')}" r="3" fill="${COLOURS[one.colour]}"/>`,
      ),
    ]);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const height = y(part * top).toFixed(1);
    return `<line x1="${left}" x2="${left + PANEL.width}" y1="${height}" y2="${height}" stroke="#ddd"/><text x="${left - 6}" y="${Number(height) + 4}" text-anchor="end">${(part * top).toLocaleString('en')}</text>`;
  });
  const axis = sizes.map(
    (size) =>
      `<text x="${x(Math.log10(size)).toFixed(1)}" y="${PANEL.top + PANEL.height + 18}" text-anchor="middle">${size.toLocaleString('en')}</text>`,
  );
  return [
    `<text x="${left}" y="${PANEL.top - 14}" font-weight="bold">${escape(title)}</text>`,
    ...grid,
    ...axis,
    ...lines,
  ].join('\n');
}

/** @param {readonly Series[]} series @param {number} top */
function legend(series, top) {
  return series
    .map((one, i) => {
      const [left, line] = [PANEL.left + (i % 3) * 320, top + Math.floor(i / 3) * 18];
      return `<line x1="${left}" x2="${left + 26}" y1="${line - 4}" y2="${line - 4}" stroke="${COLOURS[one.colour]}" stroke-width="2"${one.isDashed ? ' stroke-dasharray="5 4"' : ''}/><text x="${left + 32}" y="${line}">${escape(one.name)}</text>`;
    })
    .join('\n');
}

/** The picture of scenarios whose ids end in a size (`page-100-newest`, `send-100`). @param {readonly object[]} lines */
export function plotOf(lines) {
  const kinds = [
    ['newest page', /^page-(\d+)-newest$/],
    ['page from the middle', /^page-(\d+)-middle$/],
    ['send, 64 connections', /^send-(\d+)$/],
  ];
  const series = (subjects, valueOf) =>
    kinds.flatMap(([name, pattern], colour) =>
      subjects.map((subject) => ({
        name: `${name}, ${subject}`,
        colour,
        isDashed: subject === 'floor',
        points: lines
          .flatMap((line) => {
            const size = pattern.exec(line.id)?.[1];
            return size === undefined || line[subject] === undefined || line.failures[subject] !== undefined
              ? []
              : [{ size: Number(size), value: valueOf(line[subject]) }];
          })
          .sort((a, b) => a.size - b.size),
      })),
    );
  const rates = series(['product', 'floor'], (one) => one.perSecond.median);
  const latencies = series(['product', 'floor'], (one) => one.p99Ms);
  const width = PANEL.left + 2 * PANEL.width + PANEL.gap + 20;
  const height = PANEL.top + PANEL.height + 90;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    panel('requests per second, over messages in the conversation', rates, PANEL.left),
    panel('latency p99 in ms, over messages in the conversation', latencies, PANEL.left + PANEL.width + PANEL.gap),
    legend(rates, PANEL.top + PANEL.height + 48),
    '</svg>\n',
  ].join('\n');
}
