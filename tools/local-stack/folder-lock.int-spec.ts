import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ourselves, successionOf, takeLock } from './folder-lock.mjs';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'edgechat lock '));
  file = path.join(folder, 'run.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const goneOwner = (name: string) => ({ pid: process.pid, startedAt: `gone-${name}` });

/** Takes the lock again and again; each second owner leaves it as a killed process does. Prints how often it had it, and whom it met there. */
const taker = (rounds: number) => `
  import { closeSync, openSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
  import { takeLock } from ${JSON.stringify(path.join(import.meta.dirname, 'folder-lock.mjs'))};
  const file = ${JSON.stringify(file)};
  const mark = file + '-held';
  let had = 0;
  let met = 0;
  const until = Date.now() + 20_000;
  while (had < ${rounds} && Date.now() < until) {
    if (takeLock(file) !== null) continue;
    had += 1;
    try {
      closeSync(openSync(mark, 'wx'));
    } catch {
      met += 1;
    }
    rmSync(mark, { force: true });
    if (had % 2 === 0) {
      writeFileSync(file + '-own' + process.pid, JSON.stringify({ pid: process.pid, startedAt: 'killed-' + had }));
      renameSync(file + '-own' + process.pid, file);
    } else rmSync(file);
  }
  process.stdout.write(JSON.stringify({ had, met }));`;

async function take(rounds: number): Promise<{ had: number; met: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', taker(rounds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  await new Promise((resolve) => child.once('close', resolve));
  return JSON.parse(printed) as { had: number; met: number };
}

describe('a lock that is a file', () => {
  it('has one owner at a time among many processes that take it over from owners who were killed', async () => {
    writeFileSync(file, JSON.stringify(goneOwner('first')));

    const takers = await Promise.all(Array.from({ length: 8 }, () => take(60)));

    expect(takers.map(({ met }) => met)).toEqual(takers.map(() => 0));
    expect(takers.reduce((sum, { had }) => sum + had, 0)).toBeGreaterThan(100);
  }, 60_000);

  it('is not taken from an owner who lives', () => {
    expect(takeLock(file)).toBeNull();

    expect(takeLock(file)).toEqual(expect.objectContaining(ourselves()));
  });

  it('is taken over though those who took it over before were killed in the middle, and nothing is left of them', () => {
    const first = goneOwner('first');
    const second = goneOwner('second');
    writeFileSync(file, JSON.stringify(first));
    writeFileSync(successionOf(file, first), JSON.stringify(second));
    writeFileSync(successionOf(file, second), JSON.stringify(goneOwner('third')));

    expect(takeLock(file)).toBeNull();

    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(ourselves());
    expect(readdirSync(folder)).toEqual(['run.json']);
  });

  it('is not taken over while another process, which lives, takes it over', () => {
    const first = goneOwner('first');
    writeFileSync(file, JSON.stringify(first));
    writeFileSync(successionOf(file, first), JSON.stringify(ourselves()));

    expect(takeLock(file)).toEqual(expect.objectContaining(ourselves()));

    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(first);
  });

  it.each(['', '{', 'null', '{"pid":"1"}'])(
    'that a power cut has left as %j is taken over, but not while it may be new',
    (text) => {
      writeFileSync(file, text);
      expect(takeLock(file)).not.toBeNull();

      utimesSync(file, new Date(0), new Date(0));

      expect(takeLock(file)).toBeNull();
      expect(existsSync(file)).toBe(true);
    },
  );
});
