import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

const COPIED = [
  'apps',
  'libs',
  'tools',
  'nx.json',
  'package.json',
  'package-lock.json',
  'tsconfig.base.json',
  'tsconfig.json',
  'jest.preset.js',
  'eslint.config.mjs',
];

/**
 * Runs Nx in a folder to its end, as a person would: without what the Nx that runs this test has put into the environment.
 * @param folder the repository or a copy of it
 */
export function nx(folder: string, ...args: string[]): { exitCode: number | null; output: string } {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('NX_') && name !== 'NODE_OPTIONS');
  const env = {
    ...Object.fromEntries(own),
    NX_DAEMON: 'false',
    NX_NO_CLOUD: 'true',
    NX_TUI: 'false',
    CI: 'true',
    FORCE_COLOR: '0',
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['node_modules/nx/dist/bin/nx.js', ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { exitCode: status, output: stdout + stderr };
}

/** A copy of the repository with more files in it, which nothing else reads: the packages are shared, Nx's cache and results are its own. */
export function copyOfRepository(files: Record<string, string>): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'edgechat-nx-'));
  for (const entry of COPIED) {
    cpSync(join(root, entry), join(folder, entry), {
      recursive: true,
      filter: (from) => !['node_modules', 'dist', '.nx'].includes(basename(from)),
    });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
