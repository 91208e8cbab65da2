// @ts-check
// `.env` as Docker Compose reads it, so that a file means the same to `npm start`, `npm run admin` and `docker compose`:
// - a byte order mark at the beginning and `\r` at the ends of lines are no part of anything; `export ` may stand before a name
// - a value without quotes ends with its line, or where ` #` begins a comment: a `#` without a blank before it belongs to the value
// - in single quotes everything stands for itself; in double quotes `\n`, `\t`, `\\`, `\"`, `\$` and their like are escapes; both may span lines
// - without quotes and in double ones `$NAME` and `${NAME}` (with `:-`, `-`, `:+`, `+`, `:?`, `?`) are replaced, `$$` is a `$`
// - a name alone stands for the variable of the environment
// What Compose refuses is refused, with the number of its line and never a character of it: it may be a part of a secret.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from './processes.mjs';

/** @typedef {(name: string) => string | undefined} Lookup */

const escapes = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ['"', '"'],
]);

/** A variable that cannot be replaced: nothing is said but what to do. */
class BadVariable extends Error {}

/** @param {string} text between double quotes */
const withoutEscapes = (text) =>
  text.replace(/\\([abfnrtv$"\\]|0[0-3][0-7]{2})/g, (_, what) =>
    what === '$' ? '$$' : (escapes.get(what) ?? String.fromCodePoint(Number.parseInt(what, 8))),
  );

/** @param {string} text @param {number} from where a brace opens @returns {number} where it closes, -1 when it does not */
function closingBrace(text, from) {
  let open = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{') open += 1;
    else if (text[at] === '}') open -= 1;
    if (open === 0) return at;
  }
  return -1;
}

/** @param {string} inside of `${…}` @param {Lookup} lookup @param {() => void} missing called for a variable that is not set @returns {string} */
function replacement(inside, lookup, missing) {
  const [, name = '', operator = '', other = ''] = /^([a-z_]\w*)(?:(:?[-+?])(.*))?$/is.exec(inside) ?? [];
  if (name === '')
    throw new BadVariable('has a ${ that begins no variable: a plain $ is written $$, or in single quotes');
  const value = lookup(name);
  const isThere = value !== undefined && !(operator.startsWith(':') && value === '');
  if (operator.endsWith('+')) return isThere ? withVariables(other, lookup, missing) : '';
  if (operator.endsWith('-')) return isThere ? value : withVariables(other, lookup, missing);
  if (operator.endsWith('?') && !isThere) throw new BadVariable('asks for a variable that is not set');
  if (value === undefined) missing();
  return value ?? '';
}

/** @param {string} text @param {Lookup} lookup @param {() => void} missing @returns {string} with its variables replaced */
function withVariables(text, lookup, missing) {
  let done = '';
  let at = 0;
  for (;;) {
    const next = text.indexOf('$', at);
    if (next === -1) return done + text.slice(at);
    done += text.slice(at, next);
    const [named] = /^[a-z_]\w*/i.exec(text.slice(next + 1, next + 256)) ?? [];
    at = next + 1;
    if (text[at] === '$') at += 1;
    if (text[next + 1] === '{') {
      const end = closingBrace(text, at);
      done += replacement(end === -1 ? '' : text.slice(at + 1, end), lookup, missing);
      at = end + 1;
    } else if (named === undefined) done += '$';
    else {
      done += replacement(named, lookup, missing);
      at += named.length;
    }
  }
}

/** @param {string} text that begins with a quote @returns {{ value: string, length: number } | null} null when it does not end */
function quoted(text) {
  const quote = text[0];
  let value = '';
  for (let at = 1; at < text.length; at += 1) {
    if (text[at] === quote) return { value, length: at + 1 };
    // A backslash takes the quote's meaning; any other stays for what comes after.
    if (text[at] === '\\' && at + 1 < text.length) {
      at += 1;
      if (text[at] !== quote) value += '\\';
    }
    value += text[at];
  }
  return null;
}

/** @param {string} text @returns {number} */
const linesIn = (text) => text.split('\n').length - 1;

/** @param {string} text @returns {string} without its first line */
const afterLine = (text) => text.slice(`${text.split('\n', 1)[0]}\n`.length);

/**
 * The value that stands at the beginning of a text.
 * @param {string} text @param {Lookup} lookup @param {() => void} missing
 * @returns {{ value: string, length: number }}
 * @throws BadVariable
 */
function valueAt(text, lookup, missing) {
  const quote = text[0];
  if (quote === "'" || quote === '"') {
    const found = quoted(text);
    if (found === null) throw new BadVariable('begins a value with a quote that nothing ends');
    const value = quote === '"' ? withVariables(withoutEscapes(found.value), lookup, missing) : found.value;
    return { value, length: found.length };
  }
  const line = text.split('\n', 1)[0] ?? '';
  return { value: withVariables((line.split(' #', 1)[0] ?? '').trimEnd(), lookup, missing), length: line.length };
}

/**
 * @param {string} source the whole text of the file
 * @param {NodeJS.ProcessEnv} env what variables in values stand for; those of the file come after it
 * @param {(sentence: string) => void} [warn] hears what is read, but hardly meant so
 * @returns {Record<string, string>}
 * @throws Failure naming every line that cannot be read
 */
export function parseEnvFile(source, env, warn = () => undefined) {
  /** @type {Map<string, string>} */
  const found = new Map();
  /** @type {string[]} */
  const problems = [];
  /** @type {Lookup} */
  const lookup = (name) => env[name] ?? found.get(name);
  let rest = source.replace(/^\ufeff/, '');
  let line = 1;
  /** @param {number} length */
  const skip = (length) => {
    line += linesIn(rest.slice(0, length));
    rest = rest.slice(length);
  };
  /** @param {string} what */
  const refuse = (what) => {
    problems.push(`.env, line ${line}: the line ${what}.`);
    skip(rest.length - afterLine(rest).length);
  };
  for (skip(blanksAt(rest)); rest !== ''; skip(blanksAt(rest))) {
    if (rest.startsWith('#')) {
      skip(rest.length - afterLine(rest).length);
      continue;
    }
    const [head = '', name = '', sign = ''] = /^(?:export[^\S\n]+)?([^\n=:]*)(=|:|\n|$)/.exec(rest) ?? [];
    const key = name.trim();
    if (/[^\p{L}\p{N}_.\-[\]]/u.test(key) || (key === '' && sign !== '\n')) {
      refuse('does not begin with a name and a =');
    } else if (sign !== '=' && sign !== ':') {
      if (env[key] === undefined) warn(`.env, line ${line}: the line has no =, so it sets nothing.`);
      skip(head.length);
    } else {
      const value = rest.slice(head.length).replace(/^[^\S\n]+/, '');
      const missing = () =>
        warn(
          `.env, line ${line}: the value names a variable that is not set, which counts as empty. A plain $ is written $$, or in single quotes.`,
        );
      try {
        const read = valueAt(value, lookup, missing);
        found.set(key, read.value);
        skip(rest.length - value.length + read.length);
      } catch (error) {
        if (!(error instanceof BadVariable)) throw error;
        refuse(error.message);
      }
    }
  }
  if (problems.length > 0) throw new Failure(problems.join('\n'));
  return Object.fromEntries(found);
}

/** @param {string} text @returns {number} how many blanks and line ends it begins with */
const blanksAt = (text) => text.length - text.trimStart().length;

/** @param {Buffer} bytes @returns {string} @throws Failure when they are no UTF-8 */
function decoded(bytes) {
  const isWide = bytes.includes(0) || bytes.subarray(0, 2).equals(Buffer.from([0xff, 0xfe]));
  if (isWide || bytes.subarray(0, 2).equals(Buffer.from([0xfe, 0xff])))
    throw new Failure('.env, line 1: the file is not UTF-8 but UTF-16, or no text at all: save it as UTF-8.');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const good = bytes.toString('utf8').split('\ufffd', 1)[0] ?? '';
    throw new Failure(`.env, line ${linesIn(good) + 1}: the line is not UTF-8: save the file as UTF-8.`);
  }
}

/**
 * @param {string} projectDir @param {NodeJS.ProcessEnv} env @param {(sentence: string) => void} [warn]
 * @returns {Record<string, string>} what `.env` of this folder sets; nothing when there is none
 * @throws Failure when it cannot be read, naming the line where there is one
 */
export function readEnvFile(projectDir, env, warn) {
  const file = path.join(projectDir, '.env');
  /** @type {Buffer} */
  let bytes;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT') return {};
    if (code === 'EISDIR')
      throw new Failure(`${file} is a folder: the settings stand in a file of that name. Move it away.`);
    if (code === 'EACCES' || code === 'EPERM')
      throw new Failure(`${file} cannot be read: make it yours, or start as the user who owns it.`);
    throw new Failure(`${file} cannot be read (${code}): mend it, or move it away.`);
  }
  return parseEnvFile(decoded(bytes), env, warn);
}
