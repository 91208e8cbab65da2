import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import {
  DumpMessages,
  readDump,
  RestoreMessages,
  WipeMessages,
  type DumpProgress,
  type LostTexts,
  type RestoreProgress,
} from '@edgechat/conversations';
import type { Config } from '@edgechat/platform/config';
import { AdminError, withStores, type Given } from './admin-context.js';
import { say, showing } from './progress.js';
import { gunzippedLines } from './streams.js';

/** Everything was done, and what is left over has to be looked at. */
export const EXIT_LOST_TEXTS = 2;

/** Writes all messages to stdout, gzipped. */
export async function dump(config: Config, _: Given, signal: AbortSignal): Promise<number> {
  if (process.stdout.isTTY)
    throw new AdminError('The dump goes to stdout and is no text: send it to a file, > messages.ejson.gz');
  const progress: DumpProgress = { messages: 0, foreign: 0 };
  await withStores(config, signal, (context) =>
    showing(
      () => ({ done: progress.messages, total: null, unit: 'messages written' }),
      () =>
        pipeline(
          Readable.from(context.get(DumpMessages, { strict: false }).run(progress, signal)),
          createGzip(),
          process.stdout,
          { signal },
        ),
    ),
  );
  say(
    `${progress.messages} messages written.${progress.foreign > 0 ? ` ${progress.foreign} documents are no messages of this system and were left out.` : ''}`,
  );
  return 0;
}

/** Says whether the dump on stdin is whole. */
export async function check(): Promise<number> {
  let messages = 0;
  for await (const entry of readDump(input())) if (entry.kind === 'message') messages += 1;
  say(`The dump is whole: ${messages} messages.`);
  return 0;
}

/** Brings the messages of the dump on stdin back. */
export async function restore(config: Config, _: Given, signal: AbortSignal): Promise<number> {
  const entries = readDump(input());
  const progress: RestoreProgress = { kept: 0, unknown: 0, beyond: 0, foreign: 0, ended: 0 };
  const dropped = (): string => `${progress.unknown + progress.beyond + progress.foreign} dropped`;
  let lost: LostTexts = { count: 0, first: [] };
  await withStores(config, signal, (context) =>
    showing(
      () => ({ done: progress.kept, total: null, unit: 'messages restored', note: dropped() }),
      async () => {
        lost = await context.get(RestoreMessages, { strict: false }).run(entries, progress, signal);
      },
    ),
  );
  say(
    `${progress.kept} messages restored, ${dropped()}: ${progress.beyond} above the end of their conversation, ${progress.unknown} of unknown or deleted conversations, ${progress.foreign} that are not the ledger's message at their place.`,
  );
  if (progress.ended > 0)
    say(`${progress.ended} conversations were deleted while the backup was made, and are deleted here too.`);
  if (lost.count === 0) return 0;
  say(
    `${lost.count} messages have their text in neither store. The first of them:\n${lost.first.map(({ conversation_id, seq }) => `  conversation ${conversation_id}, message ${seq}`).join('\n')}`,
  );
  return EXIT_LOST_TEXTS;
}

/** Removes all messages from MongoDB. */
export async function wipe(config: Config, { isSure }: Given, signal: AbortSignal): Promise<number> {
  if (!isSure)
    throw new AdminError(
      'This removes all messages from MongoDB. If that is what you want, say: admin messages wipe --yes',
    );
  let removed = 0;
  await withStores(config, signal, (context) =>
    showing(
      () => ({ done: removed, total: null, unit: 'messages removed' }),
      () =>
        context.get(WipeMessages, { strict: false }).run((messages) => {
          removed = messages;
        }, signal),
    ),
  );
  say(`${removed} messages removed from MongoDB.`);
  return 0;
}

function input(): AsyncIterable<string> {
  if (process.stdin.isTTY) throw new AdminError('The dump is read from stdin: < messages.ejson.gz');
  return gunzippedLines(process.stdin);
}
