import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.mjs';

const root = join(import.meta.dirname, '../..');

/** Per app, what is not bundled but copied with all it needs: mongoose breaks in a bundle, the others hold files and machine code. */
const COPIED = {
  api: ['mongoose', 'swagger-ui-dist', '@node-rs/argon2', '@node-rs/bcrypt', '@zxcvbn-ts/language-common'],
  worker: ['mongoose', '@node-rs/argon2', '@node-rs/bcrypt', '@zxcvbn-ts/language-common'],
};

/** Commands of the program that an image has under their own name: `docker compose run --rm worker admin verify`. */
const NAMED = { api: [], worker: ['admin', 'migrate'] };

/** Asked for by packages only if they are there, and they are not: optional drivers and frameworks that nobody here uses. */
const ABSENT = [
  '@nestjs/microservices',
  '@nestjs/websockets',
  '@nestjs/platform-express',
  '@nestjs/platform-socket.io',
  '@fastify/view',
  '@fastify/multipart',
  '@fastify/compress',
  'class-transformer',
  'class-transformer/storage',
  'pg-native',
  'msgpackr-extract',
  '@google-cloud/spanner',
  '@sap/hana-client',
  'better-sqlite3',
  'expo-sqlite',
  'hdb-pool',
  'mongodb',
  'mssql',
  'mysql',
  'mysql2',
  'oracledb',
  'pg-query-stream',
  'react-native-sqlite-storage',
  'redis',
  'sql.js',
  'sqlite3',
  'typeorm-aurora-data-api-driver',
];

/** What no process reads, in the packages that are copied. */
const NOT_RUN =
  /\.(map|md|d\.[cm]?ts)$|\/swagger-ui-dist\/swagger-ui(-es-bundle.*)?\.js$|\/@zxcvbn-ts\/(dictionary-compression$|language-common\/(dist|src\/(?!passwords\.json$).+)$)/;

/** CommonJS packages in the bundle ask for what an ES module lacks. */
const BANNER = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;`;

/** Where the lock file puts the package that `from` (a path in it) means by `name`: the nearest node_modules going up. */
function locate(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (folder === '') return null;
  }
}

/** The folders of these packages and of all that they need, by the lock file; optional ones only if they are installed. */
function closureOf(names) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const installed = JSON.parse(readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8')).packages;
  const found = new Set(names.map((name) => `node_modules/${name}`));
  for (const path of found) {
    const { dependencies, optionalDependencies } = packages[path];
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const needed = locate(packages, path, name);
      if (needed !== null && installed[needed] !== undefined) found.add(needed);
    }
  }
  return [...found];
}

/**
 * Builds dist/images/<app>: main.js with the packages inside it, and a node_modules of the few that cannot be. Nothing else is needed to run it.
 * @param {string} app `api` or `worker`
 */
export async function buildForImage(app) {
  const folder = join(root, 'dist/images', app);
  await build({
    ...bundleOptions(app, folder),
    sourcemap: false,
    external: [...COPIED[app], ...ABSENT],
    banner: { js: BANNER },
  });
  for (const path of closureOf(COPIED[app]))
    cpSync(join(root, path), join(folder, path), { recursive: true, filter: (file) => !NOT_RUN.test(file) });
  // Beside the packages' own: the image has this folder in its PATH.
  const commands = join(folder, 'node_modules/.bin');
  mkdirSync(commands, { recursive: true });
  for (const name of NAMED[app])
    writeFileSync(
      join(commands, name),
      `#!/usr/bin/env node\nprocess.argv.splice(2, 0, '${name}');\nvoid import('../../main.js');\n`,
      { mode: 0o755 },
    );
}
