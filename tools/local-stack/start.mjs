// @ts-check
// `npm start`, and with --watch `npm run dev`. Readable for old versions of Node: everything else is loaded once the version is known to be new enough.
import { endBySignals, whyNot } from './can-run.mjs';

endBySignals();
const reason = whyNot();
if (reason === null) {
  import('./main.mjs')
    .then((main) => main.start({ watch: process.argv.includes('--watch') }))
    .then((code) => process.exit(code));
} else {
  console.error(reason);
  process.exit(1);
}
