// @ts-check
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from './identity.mjs';

/**
 * Nobody else reads what is in the data folder. What must hold:
 * 1. The data folder and the folder of each engine in it are their owner's alone (0700), also those that are there from before with other modes.
 * 2. Where PostgreSQL runs as another user (we are root, and there are no user namespaces), that user gets its cluster, and all others may at most pass through the folders above it (0711): they see no names,
 *    and what stands beside the cluster is its owner's alone.
 */
const own = 0o700;
const passable = 0o711;

/** File systems without modes, and folders of somebody else. */
const unchangeable = ['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EROFS'];

/** @param {string} folder @param {number} mode @returns {boolean} whether it has the mode now */
function setMode(folder, mode) {
  try {
    chmodSync(folder, mode);
  } catch (error) {
    if (!unchangeable.includes(codeOf(error))) throw error;
  }
  return (statSync(folder).mode & 0o777) === mode;
}

/**
 * Makes a folder that is its owner's alone; also of one that is there.
 * @param {string} folder
 * @returns {boolean} false when it cannot be had: others may be able to read it
 */
export function makePrivate(folder) {
  mkdirSync(folder, { recursive: true, mode: own });
  return setMode(folder, own);
}

/**
 * Closes a folder to others, and so each folder that is in it.
 * @param {string} folder
 * @returns {boolean} false when it stays open
 */
export function closeToOthers(folder) {
  const inside = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...inside.map(({ name }) => path.join(folder, name))].every(makePrivate);
}

/** Lets another user pass through to what is theirs in it. @param {string[]} folders */
export function letPass(...folders) {
  for (const folder of folders) setMode(folder, passable);
}
