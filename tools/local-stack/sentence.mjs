// @ts-check
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { codeOf } from './identity.mjs';
import { DiskFull, Failure } from './processes.mjs';

/** @param {string} code @returns {string} what the operating system calls it, like `not a directory` */
function inWords(code) {
  const words = [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1];
  return words === undefined ? code : `${code}: ${words}`;
}

/**
 * @param {unknown} error
 * @returns {string} one sentence for what people can mend; the stack of what is a bug
 */
export function sentenceOf(error) {
  if (error instanceof Failure) return error.message;
  const code = codeOf(error);
  const place =
    error instanceof Error && 'path' in error ? String(error.path).replace(/[/]run[.]json.*$/, '') : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DiskFull().message;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `${place ?? 'The project folder'} cannot be written: make it yours (for example sudo chown -R "$(id -un)" on the folder .data), or start as the user who owns it.`;
  if (code === 'EMFILE' || code === 'ENFILE')
    return 'Too many files are open: raise the limit (ulimit -n 4096) and start again.';
  if (place !== undefined && code in constants.errno)
    return `${place} cannot be used (${inWords(code)}): see what is there, move it away or mend it, and start again.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
