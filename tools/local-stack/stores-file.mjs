// @ts-check
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isStillRunning, startTimeOf } from './identity.mjs';

/**
 * `.data/stores.json`: where the stores of the start that runs from this folder are, so that `npm run admin` works on the same ones. Only its owner may read it. URLs that the environment names are not in it:
 * whoever runs a command has that environment, too.
 *
 * @typedef {{ pid: number, startedAt: string, urls: Record<string, string> }} Stores
 */

/** @param {string} dataDir */
const fileIn = (dataDir) => path.join(dataDir, 'stores.json');

/** @param {string} dataDir @param {Record<string, string>} urls of all stores, by variable @param {NodeJS.ProcessEnv} env what the environment names */
export function tellStores(dataDir, urls, env) {
  /** @type {Stores} */
  const stores = {
    pid: process.pid,
    startedAt: startTimeOf(process.pid) ?? '',
    urls: Object.fromEntries(Object.entries(urls).filter(([name]) => env[name] === undefined)),
  };
  forgetStores(dataDir);
  writeFileSync(fileIn(dataDir), JSON.stringify(stores), { mode: 0o600 });
}

/** @param {string} dataDir */
export function forgetStores(dataDir) {
  rmSync(fileIn(dataDir), { force: true });
}

/** @param {string} dataDir @returns {Record<string, string>} none when nothing runs from this folder */
export function readStores(dataDir) {
  try {
    /** @type {Stores} */
    const stores = JSON.parse(readFileSync(fileIn(dataDir), 'utf8'));
    return isStillRunning(stores) ? stores.urls : {};
  } catch {
    return {};
  }
}
