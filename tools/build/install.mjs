// @ts-check
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/**
 * @param {string} file
 * @returns {[path: string, entry: { version?: string, optional?: boolean }][]}
 */
function packagesOf(file) {
  const { packages } = JSON.parse(readFileSync(join(root, file), 'utf8'));
  return Object.entries(packages).filter(([path]) => path !== '');
}

/**
 * Whether node_modules holds what package-lock.json says. Looks at versions only, not at files, and takes some 10 ms.
 * Packages for other platforms are in the lock alone, and that is right.
 */
export function isInstalled() {
  let installed;
  try {
    installed = new Map(packagesOf('node_modules/.package-lock.json'));
  } catch {
    return false; // never installed, or stopped half-way
  }

  return packagesOf('package-lock.json').every(([path, { version, optional }]) => {
    const found = installed.get(path);
    return found === undefined ? optional === true : found.version === version;
  });
}
