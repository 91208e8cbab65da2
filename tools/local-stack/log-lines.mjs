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

/** What is wrong with an AI provider, and what to do: by the worker's word for it and the variable that it names. @type {Record<string, (variable: string) => string>} */
const mendings = {
  key: (variable) => `The provider does not take the key: set another ${variable}, and start again.`,
  credit: (variable) => `The account of the key in ${variable} has no credit left: see the provider's page of bills.`,
  model: (variable) =>
    `The provider has no such model for this key, or the base URL leads elsewhere: mend ${variable}, and start again.`,
  region: (variable) => `The provider does not serve the region of this machine with the key in ${variable}.`,
  url: (variable) =>
    `There is no provider at its base URL, or no way to it: mend ${variable}, or start what is to be there.`,
  proxy: (variable) => `The proxy on the way to the provider is away, or refuses: mend ${variable}, and start again.`,
};

/** A value that stands in a line as it is. It has nothing that ends a value or begins another one. */
const plain = /^[\w.,:;/@*+~^%-]+$/;
/** What a terminal obeys or does not show: controls, marks that turn the direction of writing, invisible characters, ends of lines. */
const unprintable = /[^\P{C}\t]|[\p{Zl}\p{Zp}]|[^\S \t]/gu;
const frame = /^\s*at \S/;

/** @param {string} text @returns {string} with an escape in the place of what is not to be printed */
const printable = (text) => text.replace(unprintable, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);

/** @param {string} text which a client may have chosen @returns {string} so that it is one value, whatever is in it: in quotation marks unless it is plain, as in logfmt */
const quoted = (text) => (plain.test(text) ? text : printable(JSON.stringify(text)));

/** @param {unknown} value @returns {string} of an error its message, those of its causes, and the frames of its stack on lines of their own, else JSON */
function show(value) {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null || !('stack' in value)) return printable(JSON.stringify(value) ?? '');
  return [quoted(messages(value)), ...framesOf(value).map(printable)].join('\n');
}

/**
 * A message of several lines may stand at the head of the stack, without its first line: a client may have made the others look like frames.
 * @param {{ stack: unknown, message?: unknown }} error @returns {string[]}
 */
function framesOf({ stack, message }) {
  const lines = String(stack).split('\n');
  const [, ...more] = String(message).split('\n');
  const isThere = more.every((line, i) => line === lines[i]);
  return lines.slice(isThere ? more.length : 0).filter((line) => frame.test(line));
}

/** @param {object} error @returns {string} */
function messages(error) {
  const message = 'message' in error ? String(error.message) : '';
  const cause = 'cause' in error ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null ? `${message} (${messages(cause)})` : message;
}

/** @param {Map<string, unknown>} fields @returns {string} a line of its own, or nothing */
function advice(fields) {
  const { wrong, variable, reason, model } = Object.fromEntries(fields);
  if (reason === 'not_listed' && wrong === undefined && typeof variable === 'string')
    return `\n         The provider's list does not name the model ${show(model)}; if answers fail, look at ${variable}.`;
  if (typeof wrong !== 'string' || typeof variable !== 'string' || !Object.hasOwn(mendings, wrong)) return '';
  return `\n         ${mendings[wrong]?.(variable)}`;
}

/** @param {string} text @returns {unknown} null for what is no JSON */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @param {string} text a line of a process's log
 * @returns {boolean} whether it tells of a call of `/health/started`: what the start asks itself until all is up is no news. By the route, which no client chooses.
 */
export function isAboutStart(text) {
  const parsed = parse(text);
  const { msg, route } =
    typeof parsed === 'object' && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
  return msg === 'answered' && typeof route === 'string' && route.endsWith('/health/started');
}

/**
 * A line of a process's log, for people: `12:00:01 api    info  message key=value`, and what to do where the line says what is wrong. Whatever a client chose of it (the request's id, a name in an error) is
 * one value. What is no JSON object stays as it is, but for what a terminal would obey.
 * @param {string} app @param {string} text
 * @returns {string}
 */
export function readable(app, text) {
  const parsed = parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return `${app.padEnd(6)} ${printable(text)}`;
  const fields = new Map(Object.entries(parsed));
  const level = fields.get('level');
  const time = new Date(fields.get('time') ?? Date.now());
  const clock = Number.isNaN(time.getTime()) ? '--:--:--' : time.toTimeString().slice(0, 8);
  const rest = [...fields]
    .filter(([name, value]) => !leftOut.has(name) && value !== null)
    .map(([name, value]) => `${quoted(name)}=${show(value)}`);
  const line = [
    clock,
    app.padEnd(6),
    printable(String(levels.get(Number(level)) ?? level ?? '')).padEnd(5),
    printable(String(fields.get('msg') ?? fields.get('message') ?? '')),
    ...rest,
  ];
  return `${line.join(' ').trimEnd()}${advice(fields)}`;
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
