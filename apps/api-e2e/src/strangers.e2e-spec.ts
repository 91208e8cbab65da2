import { spawn } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
/** Each attack several times, and no more than a machine carries that runs other tests beside. The whole drill, which judges waits too, is `npm run drill -- --strangers`. */
const SECONDS = 8;
const RATE = 40;
const ATTACKS = [
  'sends of hostile texts',
  'dear searches',
  'large pages',
  'unfinished bodies',
  'prompts and questions',
  'inboxes, members and keys',
  'logins and registrations',
  'broken HTTP and pipelines',
  'slow headers',
];

/** Runs the drill to its end; what it prints is printed, so that a failure can be read. */
function drill(): Promise<{ printed: string }> {
  return new Promise((resolve, reject) => {
    // dist/ is being run by other tests meanwhile: it is taken as it is.
    const child = spawn(
      process.execPath,
      [
        join(ROOT, 'tools/drill/main.mjs'),
        '--built',
        '--strangers',
        '--counts-only',
        '--seconds',
        String(SECONDS),
        '--rate',
        String(RATE),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.once('error', reject).once('close', () => resolve({ printed }));
  });
}

describe('strangers who do at once whatever costs most', () => {
  it('cost 20 honest people no message; all that is owed is done, in bounded memory', async () => {
    const { printed } = await drill();
    process.stdout.write(printed);
    const attacked = printed.slice(printed.indexOf('\nattack\n'));
    const figure = (name: string): number =>
      Number(attacked.match(new RegExp(`^  ${name} +([0-9]+)`, 'm'))?.[1] ?? NaN);

    // (How long the honest wait, and whether they are told to come again, is for the whole drill to judge.)
    for (const broken of ['too much memory', 'is left', 'have no answer', 'is not found', 'ended by itself'])
      expect(printed.split('\n').filter((line) => line.includes(broken))).toEqual([]);
    expect(figure('calls of the honest')).toBeGreaterThan(100);
    for (const attack of ATTACKS) expect(figure(attack)).toBeGreaterThan(5);
    expect(figure('seconds until owed work was done')).not.toBeNaN();
  }, 300_000);
});
