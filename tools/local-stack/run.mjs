// @ts-check
// node run.mjs [script [arguments]]: runs a script of this project once it is known that it can run here. Readable for old versions of Node.
import { resolve } from 'path';
import { pathToFileURL } from 'url';
import { endBySignals, whyNoTemporaryFiles, whyNot } from './can-run.mjs';

endBySignals();
const script = process.argv[2];
const reason = whyNot() || (script !== undefined && /admin\.mjs$/.test(script) ? null : whyNoTemporaryFiles());
if (reason !== null) {
  console.error(reason);
  process.exit(1);
}
if (script !== undefined) {
  process.argv.splice(1, 2, resolve(script));
  import(pathToFileURL(resolve(script)).href);
}
