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

/** @param {unknown} value @returns {string} of an error its message, those of its causes, and its stack as people read them, else JSON */
function show(value) {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('stack' in value)) return JSON.stringify(value);
  return `${messages(value)}\n${value.stack}`;
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

/**
 * A line of a process's log, for people: `12:00:01 api    info  message  key=value`, and what to do where the line says what is wrong. What is no JSON object stays as it is.
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
  const line = [
    clock,
    app.padEnd(6),
    String(levels.get(Number(level)) ?? level ?? '').padEnd(5),
    fields.get('msg') ?? fields.get('message') ?? '',
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
