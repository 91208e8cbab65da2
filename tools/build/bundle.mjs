import { rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from '@swc/core';

const root = join(import.meta.dirname, '../..');

/** esbuild leaves out the constructor types that Nest injects by, so files with decorators go through swc first. */
const decorators = {
  name: 'decorators',
  async setup(builder) {
    const options = JSON.parse(await readFile(join(root, 'tools/build/swc.json'), 'utf8'));
    builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!/^\s*@[A-Z]/m.test(source)) return { contents: source, loader: 'ts' };

      const { code } = await transform(source, { ...options, filename: path, sourceFileName: path });
      return { contents: code, loader: 'ts' };
    });
  },
};

/**
 * Node keeps the text of a program in memory, and one character beyond Latin-1 doubles it: 11 MiB for what is in an image. esbuild writes names and strings in
 * ASCII by itself; what is left stands in comments and regular expressions, where an escape means the same, except behind a backslash.
 */
const ascii = {
  name: 'ascii',
  setup(builder) {
    builder.onEnd(async ({ errors }) => {
      if (errors.length > 0) return;
      const program = await readFile(builder.initialOptions.outfile, 'utf8');
      await writeFile(builder.initialOptions.outfile, program.replace(/(?<!\\)[^\0-\x7f]/gu, escaped));
    });
  },
};

const escaped = (character) =>
  character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * What all builds of an app share: own code bundled for Node 20 and later, with a map beside it that names the sources without holding them.
 * @param {string} app `api` or `worker`
 * @param {string} folder where main.js goes; what was there is removed
 */
export function bundleOptions(app, folder) {
  rmSync(folder, { recursive: true, force: true });
  return {
    absWorkingDir: root,
    entryPoints: [join(root, 'apps', app, 'src/main.ts')],
    outfile: join(folder, 'main.js'),
    tsconfig: join(root, 'tsconfig.base.json'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // (Without keepNames: nothing is minified, and it would define a property for each inner function each time one is made.)
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
    plugins: [decorators, ascii],
  };
}
