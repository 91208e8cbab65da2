import { spawn } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
/** Each kind of fault once. The longer drill is `npm run drill`. */
const SECONDS = 28;
const SEED = process.env['DRILL_SEED'] ?? '8';

/** Runs the drill to its end; what it prints is printed, so that a failure can be read and run again. */
function drill(): Promise<{ exitCode: number | null; printed: string }> {
  return new Promise((resolve, reject) => {
    // dist/ is being run by other tests meanwhile: it is taken as it is.
    const child = spawn(
      process.execPath,
      [join(ROOT, 'tools/drill/main.mjs'), '--built', '--seconds', String(SECONDS), '--seed', SEED],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.once('error', reject).once('close', (exitCode) => resolve({ exitCode, printed }));
  });
}

describe('guarantees 1 to 5 and 7: a short drill', () => {
  it('of 20 people in 30 conversations, while something is hit each 2 s, breaks no promise', async () => {
    const { exitCode, printed } = await drill();
    process.stdout.write(printed);
    const figure = (name: string): number => Number(printed.match(new RegExp(`^  ${name} +([0-9]+)`, 'm'))?.[1] ?? NaN);

    expect(printed).toContain('Every promise was kept.');
    expect(exitCode).toBe(0);
    expect(printed).toContain(`seed ${SEED} `);
    expect(figure('accepted')).toBe(figure('sent'));
    expect(figure('accepted')).toBeGreaterThan(100);
    expect(figure('answers')).toBe(figure('questions'));
    expect(figure('answers')).toBeGreaterThan(10);
    for (const figured of ['repeats', 'joins', 'searches', 'knocks of people who are out'])
      expect(figure(figured)).toBeGreaterThan(0);
    const kinds = ['api', 'worker', 'redis', 'postgres', 'mongo'].flatMap((target) => [
      `${target} killed`,
      `${target} hung`,
    ]);
    for (const kind of [...kinds, 'api stopped', 'worker stopped', 'redis emptied'])
      expect(figure(kind)).toBeGreaterThan(0);
  }, 300_000);
});
