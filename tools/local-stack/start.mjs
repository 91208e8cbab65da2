// @ts-check
// `npm start`, and with --watch `npm run dev`. This file must be readable for old versions of Node, so that they get a sentence and
// not a syntax error: everything else is loaded once the version is known to be new enough.

/** @returns {string | null} why this machine cannot run it */
function whyNot() {
  if (process.platform === 'win32')
    return 'EdgeChat does not run on native Windows: use WSL2 (wsl --install) and start again inside it, or docker compose up.';
  const parts = process.versions.node.split('.').map(Number);
  const major = parts[0] || 0;
  const minor = parts[1] || 0;
  if (major > 20 || (major === 20 && minor >= 19)) return null;
  return (
    'EdgeChat needs Node 20.19 or newer, and this is Node ' +
    process.versions.node +
    ': install a newer one from https://nodejs.org and start again.'
  );
}

const reason = whyNot();
if (reason === null) {
  import('./main.mjs')
    .then((main) => main.start({ watch: process.argv.includes('--watch') }))
    .then((code) => process.exit(code));
} else {
  console.error(reason);
  process.exit(1);
}
