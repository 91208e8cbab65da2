import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.mjs';
import { buildForImage } from './image.mjs';

// node tools/build/build.mjs [api|worker] [--image]

const APPS = ['api', 'worker'];

/** Builds dist/apps/<app>/main.js, for `npm start` and tests: packages stay in node_modules, so it takes a tenth of a second. */
const buildApp = (app) =>
  build({ ...bundleOptions(app, join(import.meta.dirname, '../../dist/apps', app)), packages: 'external' });

async function main(args) {
  const isForImage = args.includes('--image');
  const named = args.filter((arg) => arg !== '--image');
  const stranger = named.find((app) => !APPS.includes(app));
  if (stranger !== undefined) {
    console.error(`There is no app "${stranger}" to build: say ${APPS.join(' or ')}, or nothing for both.`);
    return 1;
  }
  try {
    await Promise.all((named.length > 0 ? named : APPS).map(isForImage ? buildForImage : buildApp));
    return 0;
  } catch (error) {
    if (error.errors === undefined) throw error;
    return 1; // esbuild has printed what is wrong, with file and line
  }
}

process.exitCode = await main(process.argv.slice(2));
