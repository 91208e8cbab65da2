// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/**
 * What of npm installs all that is needed here, whatever its settings leave out (`omit`, `production`, `os`, `cpu`, NODE_ENV).
 */
export const INSTALL = [
  'ci',
  ...['dev', 'optional', 'peer'].map((kind) => `--include=${kind}`),
  `--os=${process.platform}`,
  `--cpu=${process.arch}`,
  '--no-audit',
  '--no-fund',
];

/**
 * @typedef {{ version?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} Locked
 * @typedef {{ os: string, cpu: string, libc: string | null }} Platform `libc`: null where there is no choice
 */

/** @param {string} file @returns {[path: string, entry: Locked][]} */
function packagesOf(file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  return Object.entries(packages).filter(([path]) => path !== '');
}

/** @returns {Platform} */
function platform() {
  const os = process.platform;
  return { os, cpu: process.arch, libc: os === 'linux' ? libc() : null };
}

/** @returns {string} as npm finds it */
function libc() {
  const { report } = process;
  if ('excludeNetwork' in report) report.excludeNetwork = true; // names of hosts would be asked for
  const found = report.getReport();
  const header = typeof found === 'object' && 'header' in found ? found.header : undefined;
  return typeof header === 'object' && header !== null && 'glibcVersionRuntime' in header ? 'glibc' : 'musl';
}

/** @param {string[] | undefined} allowed @param {string | null} own */
const fits = (allowed, own) => allowed === undefined || own === null || allowed.includes(own);

/**
 * @param {Locked} locked @param {Platform} here
 * @returns {boolean} whether it must be there: it is needed everywhere, or it is the one of several that is for this platform
 */
export function isNeeded({ optional, os, cpu, libc }, here) {
  if (optional !== true) return true;
  if (os === undefined && cpu === undefined) return false;
  return fits(os, here.os) && fits(cpu, here.cpu) && fits(libc, here.libc);
}

/**
 * What node_modules lacks of package-lock.json. Looks at versions, and at the files only of what is for this platform; takes some 20 ms.
 * @param {string} [folder] of the project
 * @returns {string[] | null} the folders of the packages; null when nothing was ever installed, or only half of it
 */
export function missingPackages(folder = root) {
  let installed;
  try {
    installed = new Map(packagesOf(join(folder, 'node_modules/.package-lock.json')));
  } catch {
    return null;
  }
  const here = platform();
  return packagesOf(join(folder, 'package-lock.json'))
    .filter(([path, locked]) => {
      const found = installed.get(path);
      if (found !== undefined && found.version !== locked.version) return true;
      if (!isNeeded(locked, here)) return false;
      return found === undefined || (locked.optional === true && !existsSync(join(folder, path, 'package.json')));
    })
    .map(([path]) => path);
}

/** Whether node_modules holds what package-lock.json says, as far as it is for this platform. */
export function isInstalled() {
  return missingPackages()?.length === 0;
}

/** @returns {string | null} a sentence when npm has left something out, although it said that all went well */
export function whyNotInstalled() {
  const missing = missingPackages();
  if (missing?.length === 0) return null;
  const named = (missing ?? ['all of them']).map((path) => path.replace(/^node_modules\//, '')).slice(0, 3);
  return `npm ci has left out packages that this machine needs (${named.join(', ')}): see what its settings say (npm config ls), above all omit, os, cpu and libc, remove that, and start again.`;
}
