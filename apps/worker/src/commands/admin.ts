import { parseArgs } from 'node:util';
import { BadDump } from '@edgechat/conversations';
import { conversationId, Unavailable } from '@edgechat/kernel';
import type { Config } from '@edgechat/platform/config';
import { invite, lockAccount, unlockAccount } from './accounts.js';
import { AdminError, type Given } from './admin-context.js';
import { events } from './events.js';
import { check, dump, restore, wipe } from './messages.js';
import { say } from './progress.js';
import { rebuildInbox, rebuildSearch } from './rebuild.js';
import { setPassword } from './set-password.js';
import { verify } from './verify.js';

export const ADMIN_USAGE = `       main.js admin verify                     looks whether everything in the stores fits together
       main.js admin rebuild inbox [--conversation ID]
                                                makes the inboxes anew; the system may run meanwhile
       main.js admin rebuild search [--conversation ID]
                                                makes the search index anew; the system may run meanwhile
       main.js admin set-password EMAIL         asks for a new password, and ends the account's sessions
       main.js admin lock-account EMAIL         keeps the account's owner out, and ends its sessions
       main.js admin unlock-account EMAIL       lets the owner log in again
       main.js admin invite [--uses N] [--days N]
                                                makes a code for so many registrations (1) in so many days (7)
       main.js admin events [--email EMAIL] [--days N] [--json]
                                                lists the security events of 30 days, or of N, newest first
       main.js admin messages dump > FILE       writes all messages, gzipped
       main.js admin messages check < FILE      says whether such a file is whole
       main.js admin messages restore < FILE    brings them back; PostgreSQL is restored before
       main.js admin messages wipe --yes        removes all messages from MongoDB
`;

/** What may be said besides the words of a command. */
const OPTIONS = {
  conversation: { type: 'string' },
  days: { type: 'string' },
  email: { type: 'string' },
  json: { type: 'boolean' },
  uses: { type: 'string' },
  yes: { type: 'boolean' },
} as const;
type Option = keyof typeof OPTIONS;

interface Command {
  readonly run: (config: Config, given: Given, signal: AbortSignal) => Promise<number>;
  readonly options?: readonly Option[];
  readonly operands?: number;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  verify: { run: verify },
  'rebuild inbox': { run: rebuildInbox, options: ['conversation'] },
  'rebuild search': { run: rebuildSearch, options: ['conversation'] },
  'set-password': { run: setPassword, operands: 1 },
  'lock-account': { run: lockAccount, operands: 1 },
  'unlock-account': { run: unlockAccount, operands: 1 },
  invite: { run: invite, options: ['uses', 'days'] },
  events: { run: events, options: ['email', 'days', 'json'] },
  'messages dump': { run: dump },
  'messages check': { run: check },
  'messages restore': { run: restore },
  'messages wipe': { run: wipe, options: ['yes'] },
};

/**
 * The commands of an operator. What they have to say goes to stderr, what they find or give to stdout. Ends the process: 0 when all went well; 1 when not, and then the command can be given again;
 * 2 when all was done and texts are missing all the same; 3 when `verify` found something.
 */
export async function admin(config: Config, args: readonly string[]): Promise<never> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => ending.abort(new AdminError('Interrupted. Nothing is broken: give the command again.')));
  try {
    const { command, given } = commandOf(args);
    process.exit(await command.run(config, given, ending.signal));
  } catch (error) {
    say(sentenceOf(ending.signal.aborted ? ending.signal.reason : error));
    process.exit(1);
  }
}

/** @throws AdminError for what is no command of these */
export function commandOf(args: readonly string[]): { command: Command; given: Given } {
  const read = readArguments(args);
  for (const [name, command] of Object.entries(COMMANDS)) {
    const words = name.split(' ');
    const operands = read.words.slice(words.length);
    if (words.some((word, n) => read.words[n] !== word) || operands.length !== (command.operands ?? 0)) continue;
    const { options = [] } = command;
    if (read.names.some((name) => !options.some((option) => option === name))) continue;
    return { command, given: { ...read.given, operands } };
  }
  throw noCommand();
}

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    const given = {
      conversation: values.conversation === undefined ? null : parseConversation(values.conversation),
      days: values.days === undefined ? null : parseDays(values.days),
      email: values.email ?? null,
      asJson: values.json === true,
      isSure: values.yes === true,
      uses: values.uses === undefined ? null : parseCount('uses', values.uses),
    };
    return { words: positionals, names: Object.keys(values), given };
  } catch (error) {
    throw error instanceof AdminError ? error : noCommand();
  }
}

function parseDays(text: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(text)) throw new AdminError('--days is a whole number from 1 to 9999.');
  return Number(text);
}

function parseConversation(text: string) {
  const id = conversationId(text.toLowerCase());
  if (id === null)
    throw new AdminError('This is no id of a conversation. Say it as the API shows it, after --conversation.');
  return id;
}

function parseCount(option: string, text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new AdminError(`--${option} is a whole number of 1 or more.`);
  return Number(text);
}

const noCommand = (): AdminError => new AdminError(`There is no such command. There are:\n${ADMIN_USAGE}`);

function sentenceOf(error: unknown): string {
  if (error instanceof AdminError || error instanceof BadDump) return error.message;
  if (error instanceof Unavailable)
    return `${error.dependency === 'mongo' ? 'MongoDB (MONGODB_URL)' : 'PostgreSQL (DATABASE_URL)'} was away for longer than a minute. Give the command again when it is back.`;
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE')
    return 'Whoever reads the output has gone away.';
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
