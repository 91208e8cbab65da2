// @ts-check
const levels = new Map([
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
]);
const leftOut = new Set(['level', 'time', 'msg', 'message', 'pid', 'hostname', 'app', 'process', 'name', 'v']);

/** @param {unknown} value @returns {string} of an error its message and stack as people read them, else JSON */
function show(value) {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('stack' in value)) return JSON.stringify(value);
  return `${'message' in value ? value.message : ''}\n${value.stack}`;
}

/**
 * A line of a process's log, for people: `12:00:01 api    info  message  key=value`. What is no JSON object stays as it is.
 * @param {string} app @param {string} text
 * @returns {string}
 */
export function readable(app, text) {
  /** @type {unknown} */
  let parsed = null;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = null;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return `${app.padEnd(6)} ${text}`;
  const fields = new Map(Object.entries(parsed));
  const level = fields.get('level');
  const time = new Date(fields.get('time') ?? Date.now());
  const clock = Number.isNaN(time.getTime()) ? '--:--:--' : time.toTimeString().slice(0, 8);
  const rest = [...fields]
    .filter(([name, value]) => !leftOut.has(name) && value !== null)
    .map(([name, value]) => `${name}=${show(value)}`);
  return [
    clock,
    app.padEnd(6),
    String(levels.get(Number(level)) ?? level ?? '').padEnd(5),
    fields.get('msg') ?? fields.get('message') ?? '',
    ...rest,
  ]
    .join(' ')
    .trimEnd();
}

/**
 * Cuts a stream of text into lines.
 * @param {(line: string) => void} take
 * @returns {(text: string) => void}
 */
export function byLine(take) {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') take(line);
  };
}
