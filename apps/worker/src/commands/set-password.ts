import { createInterface } from 'node:readline/promises';
import { PASSWORD_MAX_CHARACTERS, PASSWORD_MIN_CHARACTERS, SetPassword } from '@edgechat/identity/operator';
import type { Config } from '@edgechat/platform/config';
import { emailOf, noAccount } from './account-email.js';
import { AdminError, withPostgres, type Given } from './admin-context.js';
import { say } from './progress.js';

const LINE_MAX_CHARACTERS = 65_536;

/** Asks for a new password of an account and sets it; all sessions of the account end. */
export async function setPassword(config: Config, { operands }: Given, signal: AbortSignal): Promise<number> {
  const [text = ''] = operands;
  const email = emailOf(text, 'set-password <email>');

  await withPostgres(config, signal, async (context) => {
    const passwords = context.get(SetPassword, { strict: false });
    if (!(await passwords.isKnown(email))) throw noAccount();
    const password = process.stdin.isTTY ? await askTwice(signal) : await readLine();
    if (!passwords.isPassword(password))
      throw new AdminError(
        `A password has ${PASSWORD_MIN_CHARACTERS} to ${PASSWORD_MAX_CHARACTERS} characters. Nothing was changed.`,
      );
    if (await passwords.isTooCommon(email, password))
      throw new AdminError(
        'This password is among the first that anybody guesses. Choose another. Nothing was changed.',
      );
    const ended = await passwords.execute(email, password);
    if (ended === null) throw noAccount();
    say(`The password was set. ${ended} sessions ended: they are out within 5 s.`);
  });
  return 0;
}

/** One line from stdin, without its end. */
async function readLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  try {
    for await (const line of lines) return line.slice(0, LINE_MAX_CHARACTERS);
    return '';
  } finally {
    lines.close();
  }
}

async function askTwice(signal: AbortSignal): Promise<string> {
  const first = await ask('New password: ', signal);
  if ((await ask('Again: ', signal)) !== first)
    throw new AdminError('These are two different passwords. Nothing was changed.');
  return first;
}

/** One line from the terminal, which is not shown. */
function ask(question: string, signal: AbortSignal): Promise<string> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true).setEncoding('utf8').resume(); // before the question: from then on nothing is shown
  stderr.write(question);
  return new Promise<string>((resolve, reject) => {
    let typed = '';
    const end = (settle: () => void): void => {
      stdin.off('data', onData).pause().setRawMode(false);
      signal.removeEventListener('abort', onAbort);
      stderr.write('\n');
      settle();
    };
    const onAbort = (): void => end(() => reject(signal.reason));
    const onData = (text: string): void => {
      for (const character of text) {
        if (character === '\r' || character === '\n') return end(() => resolve(typed));
        if (character === '\u0003' || (character === '\u0004' && typed === ''))
          return end(() => reject(new AdminError('Interrupted. Nothing was changed.')));
        if (character === '\u007f' || character === '\b') typed = Array.from(typed).slice(0, -1).join('');
        else typed += character;
      }
    };
    signal.addEventListener('abort', onAbort, { once: true });
    stdin.on('data', onData);
  });
}
