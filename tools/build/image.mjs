import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.mjs';
import { locate, packageOf, sbomOf } from './sbom.mjs';

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
  'supports-color',
  'typeorm-aurora-data-api-driver',
];

/** What no process reads, in the packages that are copied. */
const NOT_RUN =
  /\.(map|md|d\.[cm]?ts)$|\/swagger-ui-dist\/swagger-ui(-es-bundle.*)?\.js$|\/@zxcvbn-ts\/(dictionary-compression$|language-common\/(dist|src\/(?!passwords\.json$).+)$)/;

/** CommonJS packages in the bundle ask for what an ES module lacks. */
const BANNER = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;`;

/** The folders of these packages and of all that they need, by the lock file; optional ones only if they are installed. */
function closureOf(packages, names) {
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

/** The packages of which there is code in the program. */
const bundledIn = ({ outputs }) =>
  Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([file]) => packageOf(file))
    .filter((path) => path !== null);

/**
 * Builds dist/images/<app>: main.js with the packages inside it, a node_modules of the few that cannot be, and the list of both. Nothing else is needed to run it.
 * @param {string} app `api` or `worker`
 */
export async function buildForImage(app) {
  const folder = join(root, 'dist/images', app);
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { metafile } = await build({
    ...bundleOptions(app, folder),
    sourcemap: false,
    metafile: true,
    external: [...COPIED[app], ...ABSENT],
    banner: { js: BANNER },
  });
  const copied = closureOf(packages, COPIED[app]);
  for (const path of copied)
    cpSync(join(root, path), join(folder, path), { recursive: true, filter: (file) => !NOT_RUN.test(file) });
  const present = copied.filter((path) => existsSync(join(folder, path, 'package.json')));
  writeFileSync(join(folder, 'sbom.cdx.json'), sbomOf(app, packages, [...bundledIn(metafile), ...present]));
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
