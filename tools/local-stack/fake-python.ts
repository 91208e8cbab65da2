import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Answers whatever it is asked, at `--port`: enough to be taken for a server that speaks MongoDB's protocol. */
const server = `
  const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
  const server = require('node:net').createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write('ok')));
  server.listen(port, '127.0.0.1');`;

/**
 * A `python3` in a folder of its own that makes environments with a stand-in for SecantusDB in them, in no time and without a network.
 * Each thing that goes wrong on people's machines can be told to go wrong.
 */
export class FakePython {
  readonly bin: string;
  readonly #calls: string;
  readonly #failure: string;

  constructor(folder: string) {
    this.bin = path.join(folder, 'bin');
    this.#calls = path.join(folder, 'calls');
    this.#failure = path.join(folder, 'failure');
    mkdirSync(this.bin, { recursive: true });
    writeFileSync(path.join(folder, 'server.cjs'), server);
    writeFileSync(
      path.join(this.bin, 'python3'),
      `#!/bin/sh
echo "$*" >> '${this.#calls}'
for last; do :; done
case "$*" in
  --version) echo 'Python 3.12.1'; exit 0 ;;
  *secantusd-py*--help*) exit 0 ;;
  *secantusd-py*) exec '${process.execPath}' '${folder}/server.cjs' "$@" ;;
esac
if [ -e '${this.#failure}' ]; then /bin/cat '${this.#failure}' >&2; exit 1; fi
case "$*" in
  *venv*) /bin/mkdir -p "$last/bin" && /bin/cp "$0" "$last/bin/python" && : > "$last/bin/secantusd-py" ;;
esac
`,
    );
    chmodSync(path.join(this.bin, 'python3'), 0o755);
  }

  /** From now on what it is to build fails with these words; with null it succeeds. */
  fail(words: string | null): void {
    rmSync(this.#failure, { force: true });
    if (words !== null) writeFileSync(this.#failure, words);
  }

  /** How often it was to make an environment. */
  get built(): number {
    return existsSync(this.#calls)
      ? readFileSync(this.#calls, 'utf8')
          .split('\n')
          .filter((line) => line.includes('-m venv')).length
      : 0;
  }
}
