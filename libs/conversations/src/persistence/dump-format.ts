import { conversationId, isText } from '@edgechat/kernel';
import { mongo } from 'mongoose';
import type { MessageDocument } from './message-documents.js';

// A dump of the messages, line by line, in canonical EJSON (relaxed numbers and dates would come back as something else):
//   1   the head: which format, and when the dump was begun
//   2…  one message a line, in any order
//   …   which conversations live when all messages have been read, in stretches of ids that join without a gap
//   n   the tail: how many messages there are. A file without it was cut.

const FORMAT = 'edgechat-messages';
const VERSION = 1;
/** Below every conversation's id. */
export const LOWEST_ID = '00000000-0000-0000-0000-000000000000';

/** Of the conversations with `after` < id <= `upTo` (null: no end), these live; those that are not named were deleted, or made later. */
export interface LiveStretch {
  readonly after: string;
  readonly upTo: string | null;
  readonly live: readonly string[];
}

export type DumpEntry =
  | { readonly kind: 'message'; readonly document: MessageDocument }
  | { readonly kind: 'conversations'; readonly stretch: LiveStretch; readonly begunAt: Date };

/** The input is no whole dump of this format; the sentence says what is wrong and where. */
export class BadDump extends Error {}

/** The first line of a dump. @param begunAt by PostgreSQL's clock, before the first message is read */
export const headLine = (begunAt: Date): string => line({ format: FORMAT, version: VERSION, begun_at: begunAt });
/** The last line of a dump. */
export const tailLine = (messages: number): string => line({ messages });
/** The line of a stretch of conversations. */
export const stretchLine = ({ after, upTo, live }: LiveStretch): string => line({ after, up_to: upTo, live });
/** The line of a message. */
export const messageLine = ({
  conversation_id,
  seq,
  message_id,
  author,
  content,
  created_at,
}: MessageDocument): string => line({ conversation_id, seq, message_id, author, content, created_at });

/**
 * Reads the lines of a dump and gives what they hold, in order.
 * @throws BadDump at the first line that is not what has to stand there, and at the end of a dump that was cut; what was given before is good
 */
export async function* readDump(lines: AsyncIterable<string>): AsyncGenerator<DumpEntry> {
  const reader = new DumpReader();
  for await (const text of lines) {
    const entry = reader.take(text);
    if (entry !== null) yield entry;
  }
  reader.end();
}

/** True for a whole message, with the fields of this release and no other. */
export function isMessage(value: unknown): value is MessageDocument {
  if (!isObject(value)) return false;
  const { conversation_id, seq, message_id, author, content, created_at, ...others } = value;
  return (
    isId(conversation_id) &&
    isCount(seq, 1) &&
    isId(message_id) &&
    isCount(author, 0) &&
    typeof content === 'string' &&
    isText(content) &&
    isInstant(created_at) &&
    Object.keys(others).length === 0
  );
}

/** What a dump may hold at the place that has been reached. */
class DumpReader {
  private lineNumber = 0;
  private begunAt: Date | null = null;
  private messages = 0;
  /** Where the next stretch has to begin; null once all conversations were told of. */
  private reached: string | null = LOWEST_ID;
  private isOver = false;

  take(text: string): DumpEntry | null {
    this.lineNumber += 1;
    const value = parse(text);
    if (this.begunAt === null) return this.takeHead(value);
    if (this.isOver) throw new BadDump(`Line ${this.lineNumber} comes after the end of the dump.`);
    if (isMessage(value) && this.reached === LOWEST_ID) return this.takeMessage(value);
    if (isStretch(value) && value.after === this.reached) return this.takeStretch(value, this.begunAt);
    if (isTail(value) && this.reached === null) return this.takeTail(value.messages);
    throw new BadDump(`Line ${this.lineNumber} is not what has to stand there in a dump of messages.`);
  }

  end(): void {
    if (this.begunAt === null) throw new BadDump('The dump is empty.');
    if (!this.isOver) throw new BadDump(`The dump was cut after line ${this.lineNumber}: its end is missing.`);
  }

  private takeHead(value: unknown): null {
    if (!isObject(value) || value['format'] !== FORMAT || !isInstant(value['begun_at']))
      throw new BadDump('This is no dump of messages: its first line is another one.');
    if (value['version'] !== VERSION)
      throw new BadDump(
        `This dump has version ${String(value['version'])}, and this release reads version ${VERSION}. Use the release that made it.`,
      );
    this.begunAt = value['begun_at'];
    return null;
  }

  private takeMessage(document: MessageDocument): DumpEntry {
    this.messages += 1;
    return { kind: 'message', document };
  }

  private takeStretch({ after, up_to: upTo, live }: StretchLine, begunAt: Date): DumpEntry {
    this.reached = upTo;
    return { kind: 'conversations', stretch: { after, upTo, live }, begunAt };
  }

  private takeTail(messages: number): null {
    if (messages !== this.messages)
      throw new BadDump(`The dump says that it has ${messages} messages, but there are ${this.messages}.`);
    this.isOver = true;
    return null;
  }
}

interface StretchLine {
  readonly after: string;
  readonly up_to: string | null;
  readonly live: readonly string[];
}

function isStretch(value: unknown): value is StretchLine {
  if (!isObject(value)) return false;
  const { after, up_to, live } = value;
  return isId(after) && (up_to === null || isId(up_to)) && Array.isArray(live) && live.every(isId);
}

const isTail = (value: unknown): value is { readonly messages: number } =>
  isObject(value) && isCount(value['messages'], 0) && Object.keys(value).length === 1;
/** All ids have one form. */
const isId = (value: unknown): value is string => conversationId(value) !== null;
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isCount = (value: unknown, min: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= min;
const isInstant = (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime());

/** Undefined for what is no EJSON. */
function parse(text: string): unknown {
  try {
    return mongo.BSON.EJSON.parse(text);
  } catch {
    return undefined;
  }
}

const line = (value: object): string => `${mongo.BSON.EJSON.stringify(value, { relaxed: false })}\n`;
