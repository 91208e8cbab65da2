import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { BadDump, DumpMessages, readDump, RestoreMessages, WipeMessages, type DumpProgress, type LostTexts, type RestoreProgress } from '@edgechat/conversations';
import { Unavailable } from '@edgechat/kernel';
import type { Config } from '@edgechat/platform/config';
import { AdminError, withStores } from './admin-context.js';
import { gunzippedLines } from './streams.js';

const REPORT_EVERY_MS = 5_000;
/** Everything was done, and what is left over has to be looked at. */
const EXIT_LOST_TEXTS = 2;

export const ADMIN_USAGE = `       main.js admin messages dump > FILE       writes all messages, gzipped
       main.js admin messages check < FILE      says whether such a file is whole
       main.js admin messages restore < FILE    brings them back; PostgreSQL is restored before
       main.js admin messages wipe --yes        removes all messages from MongoDB
`;

type Command = (config: Config, signal: AbortSignal) => Promise<number>;
const COMMANDS: Readonly<Record<string, Command>> = { 'messages dump': dump, 'messages check': check, 'messages restore': restore, 'messages wipe --yes': wipe };

/**
 * The commands of an operator. What they have to say goes to stderr. Ends the process: 0 when all went well; 1 when not, and then the command can be given again;
 * 2 when a restore was done and texts are missing all the same.
 */
export async function admin(config: Config, args: readonly string[]): Promise<never> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort(new AdminError('Interrupted. Nothing is broken: give the command again.')));
  try {
    const command = COMMANDS[args.join(' ')];
    if (!command) throw new AdminError(args.join(' ') === 'messages wipe' ? 'This removes all messages from MongoDB. If that is what you want, say: admin messages wipe --yes' : `There is no such command. There are:\n${ADMIN_USAGE}`);
    process.exit(await command(config, ending.signal));
  } catch (error) {
    say(sentenceOf(ending.signal.aborted ? ending.signal.reason : error));
    process.exit(1);
  }
}

async function dump(config: Config, signal: AbortSignal): Promise<number> {
  if (process.stdout.isTTY) throw new AdminError('The dump goes to stdout and is no text: send it to a file, > messages.ejson.gz');
  const progress: DumpProgress = { messages: 0, foreign: 0 };
  const tell = (): string => `${progress.messages} messages written`;
  await withStores(config, signal, (context) =>
    reporting(tell, () => pipeline(Readable.from(context.get(DumpMessages, { strict: false }).run(progress, signal)), createGzip(), process.stdout, { signal })),
  );
  say(`${tell()}.${progress.foreign > 0 ? ` ${progress.foreign} documents are no messages of this system and were left out.` : ''}`);
  return 0;
}

async function check(): Promise<number> {
  let messages = 0;
  for await (const entry of readDump(input())) if (entry.kind === 'message') messages += 1;
  say(`The dump is whole: ${messages} messages.`);
  return 0;
}

async function restore(config: Config, signal: AbortSignal): Promise<number> {
  const entries = readDump(input());
  const progress: RestoreProgress = { kept: 0, unknown: 0, beyond: 0, foreign: 0, ended: 0 };
  const tell = (): string => `${progress.kept} messages restored, ${progress.unknown + progress.beyond + progress.foreign} dropped`;
  let lost: LostTexts = { count: 0, first: [] };
  await withStores(config, signal, (context) =>
    reporting(tell, async () => {
      lost = await context.get(RestoreMessages, { strict: false }).run(entries, progress, signal);
    }),
  );
  say(`${tell()}: ${progress.beyond} above the end of their conversation, ${progress.unknown} of unknown or deleted conversations, ${progress.foreign} that are not the ledger's message at their place.`);
  if (progress.ended > 0) say(`${progress.ended} conversations were deleted while the backup was made, and are deleted here too.`);
  if (lost.count === 0) return 0;
  say(`${lost.count} messages have their text in neither store. The first of them:\n${lost.first.map(({ conversation_id, seq }) => `  conversation ${conversation_id}, message ${seq}`).join('\n')}`);
  return EXIT_LOST_TEXTS;
}

async function wipe(config: Config, signal: AbortSignal): Promise<number> {
  let removed = 0;
  const tell = (): string => `${removed} messages removed from MongoDB`;
  await withStores(config, signal, (context) => reporting(tell, () => context.get(WipeMessages, { strict: false }).run((messages) => { removed = messages; }, signal)));
  say(`${tell()}.`);
  return 0;
}

function input(): AsyncIterable<string> {
  if (process.stdin.isTTY) throw new AdminError('The dump is read from stdin: < messages.ejson.gz');
  return gunzippedLines(process.stdin);
}

/** Tells every 5 s how far the work has come. */
async function reporting(tell: () => string, work: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => say(tell()), REPORT_EVERY_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof AdminError || error instanceof BadDump) return error.message;
  if (error instanceof Unavailable) return `${error.dependency === 'mongo' ? 'MongoDB (MONGODB_URL)' : 'PostgreSQL (DATABASE_URL)'} was away for longer than a minute. Give the command again when it is back.`;
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return 'Whoever reads the dump has gone away.';
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
