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

/** What is not read yet, and which line that is. */
class Unread {
  line = 1;

  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  /** @param {number} length */
  skip(length) {
    this.line += this.text.slice(0, length).split('\n').length - 1;
    this.text = this.text.slice(length);
  }

  skipLine() {
    this.skip((this.text.split('\n', 1)[0] ?? '').length + 1);
  }

  /** Goes on to the next thing that is neither a blank nor a comment. @returns {boolean} false at the end */
  toNext() {
    for (;;) {
      this.skip(this.text.length - this.text.trimStart().length);
      if (!this.text.startsWith('#')) return this.text !== '';
      this.skipLine();
    }
  }
}

/**
 * Reads what the text begins with, a name and its value.
 * @param {Unread} unread @param {Map<string, string>} found gets it @param {NodeJS.ProcessEnv} env @param {(what: string) => void} tell hears what is hardly meant so
 * @throws BadVariable
 */
function readOne(unread, found, env, tell) {
  const [head = '', name = '', sign = ''] = /^(?:export[^\S\n]+)?([^\n=:]*)(=|:|\n|$)/.exec(unread.text) ?? [];
  const key = name.trim();
  const hasValue = sign === '=' || sign === ':';
  if (/[^\p{L}\p{N}_.\-[\]]/u.test(key) || (key === '' && hasValue))
    throw new BadVariable('does not begin with a name and a =');
  if (!hasValue) {
    if (env[key] === undefined) tell('has no =, so it sets nothing');
    return unread.skip(head.length);
  }
  const missing = () =>
    tell('names a variable that is not set, which counts as empty: a plain $ is written $$, or in single quotes');
  const text = unread.text.slice(head.length).replace(/^[^\S\n]+/, '');
  const { value, length } = valueAt(text, (other) => env[other] ?? found.get(other), missing);
  found.set(key, value);
  unread.skip(unread.text.length - text.length + length);
}

/**
 * @param {string} source the whole text of the file
 * @param {NodeJS.ProcessEnv} env what variables in values stand for; those of the file come after it
 * @param {(sentence: string) => void} [warn] hears what is read, but hardly meant so
 * @returns {Record<string, string>}
 * @throws Failure naming every line that cannot be read
 */
export function parseEnvFile(source, env, warn = () => undefined) {
  const unread = new Unread(source.replace(/^\ufeff/, ''));
  /** @type {Map<string, string>} */
  const found = new Map();
  /** @type {string[]} */
  const problems = [];
  const sentence = (/** @type {string} */ what) => `.env, line ${unread.line}: the line ${what}.`;
  while (unread.toNext()) {
    try {
      readOne(unread, found, env, (what) => warn(sentence(what)));
    } catch (error) {
      if (!(error instanceof BadVariable)) throw error;
      problems.push(sentence(error.message));
      unread.skipLine();
    }
  }
  if (problems.length > 0) throw new Failure(problems.join('\n'));
  return Object.fromEntries(found);
}

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
