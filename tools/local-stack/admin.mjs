// @ts-check
// `npm run admin -- <command>`: the worker's commands for operators, on the stores that the environment or `.env` names, else on those of the `npm start` that runs from this folder.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Failure } from './processes.mjs';
import { readEnvironment } from './settings.mjs';
import { readStores } from './stores-file.mjs';

const projectDir = process.cwd(); // npm runs scripts in the folder of package.json
const program = path.join(projectDir, 'dist', 'apps', 'worker', 'main.js');
if (!existsSync(program)) {
  console.error('Nothing is built yet: npm start builds.');
  process.exit(1);
}

const env = readOrEnd();
const stores = Object.entries(readStores(path.join(projectDir, '.data'))).filter(
  ([name]) => env[name] === undefined && env[`${name}_FILE`] === undefined,
);
Object.assign(process.env, env, Object.fromEntries(stores));
process.argv.splice(2, 0, 'admin');
await import(pathToFileURL(program).href);

/** @returns {NodeJS.ProcessEnv} */
function readOrEnd() {
  try {
    return readEnvironment(projectDir, process.env, (sentence) => console.error(sentence));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    return process.exit(1);
  }
}
