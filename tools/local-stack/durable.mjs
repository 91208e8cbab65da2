// @ts-check
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Waits until a file, or the names in a folder, are on the disk. File systems that cannot wait (some network and FUSE mounts) are left alone.
 * @param {string} place
 */
export function syncToDisk(place) {
  const opened = openSync(place, 'r');
  try {
    fsyncSync(opened);
  } catch {
    return;
  } finally {
    closeSync(opened);
  }
}

/**
 * Writes a file so that a crash or a power cut at any moment leaves the old content or the new one, whole: under another name, to the disk,
 * then renamed, and the folder to the disk too.
 * @param {string} file @param {string} text @param {{ mode?: number }} [options]
 */
export function writeDurably(file, text, options = {}) {
  const written = `${file}.${process.pid}.new`;
  try {
    writeFileSync(written, text, options);
    syncToDisk(written);
    renameSync(written, file);
  } catch (error) {
    rmSync(written, { force: true });
    throw error;
  }
  syncToDisk(path.dirname(file));
}
