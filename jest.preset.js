import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = import.meta.dirname;
const { paths } = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8')).compilerOptions;

/** The compiler's options for decorated ES modules; tools/build uses the same ones. */
const swc = JSON.parse(readFileSync(join(root, 'tools/build/swc.json'), 'utf8'));

/**
 * The aliases of tsconfig.base.json as Jest's `moduleNameMapper`, and the `.js` ending of relative imports taken off,
 * because the files on disk end in `.ts`.
 */
const aliases = Object.fromEntries(Object.entries(paths).map(([alias, [file]]) => [`^${alias}$`, join(root, file)]));

/** What all tests share. The three kinds of test are unit.jest.js, int.jest.js and e2e.jest.js in tools/testing. */
export default {
  rootDir: root,
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', swc] },
  moduleNameMapper: { ...aliases, '^(\\.{1,2}/.*)\\.js$': '$1' },
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
  cacheDirectory: join(root, '.nx/jest'),
  reporters: ['default', join(root, 'tools/testing/counts-reporter.mjs')],
  maxWorkers: 2,
};
