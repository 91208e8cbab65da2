import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { Refusal } from '@edgechat/kernel';

export const BODY_MAX_BYTES = 1_048_576;
const DEPTH_MAX = 32;
/** Ten times what the largest body of today's calls and those to come holds. */
const VALUES_MAX = 10_000;

/** How much of a body that is too large is still read, so that a client that reads the answer only after it has sent everything gets it. */
const DISCARD_MAX_BYTES = 8 * BODY_MAX_BYTES;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACKET = 0x5d;
const CLOSING_BRACE = 0x7d;

/** Keys that could reach an object's prototype when copied. No body has such a field, so they go like any unknown one. */
const PROTOTYPE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const MAY_HOLD_PROTOTYPE_KEY = /__proto__|constructor|prototype|\\u/;

/**
 * Reads a whole body of at most `BODY_MAX_BYTES` and gives its value, as `parseJson` does. Calls `done` once.
 * Its error is a Refusal: `body_too_large`; `malformed_request` also when the client goes away in the middle.
 */
export function readJson(
  stream: Readable,
  announcedBytes: number,
  done: (error: Error | null, value?: unknown) => void,
): void {
  if (announcedBytes > DISCARD_MAX_BYTES) return done(tooLarge());
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isOver = false;
  const end = (refusal: Refusal | null): void => {
    if (isOver) return;
    isOver = true;
    if (refusal !== null) return done(refusal);
    give(chunks, bytes, done);
  };
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= BODY_MAX_BYTES) chunks.push(chunk);
    else if (bytes > DISCARD_MAX_BYTES) {
      stream.pause();
      end(tooLarge());
    }
  });
  stream.on('end', () => end(bytes > BODY_MAX_BYTES ? tooLarge() : null));
  // A stream of bytes fails, or closes before its end, only when the client hangs up or breaks its own framing. (Each body closes: only what is told is made an error.)
  const hangUp = (): void => {
    if (!isOver) end(new Refusal('malformed_request', 'The body ended too early. Send it again.'));
  };
  stream.on('error', hangUp);
  stream.on('close', hangUp);
}

function give(chunks: readonly Buffer[], bytes: number, done: (error: Error | null, value?: unknown) => void): void {
  const [first] = chunks;
  let value: unknown;
  try {
    value = parseJson(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, bytes));
  } catch (error) {
    return done(error instanceof Error ? error : new Error(String(error)));
  }
  done(null, value);
}

/**
 * The value of a JSON body; undefined when it is empty. A key that could reach a prototype is dropped at any depth.
 * @throws Refusal `malformed_request` for broken UTF-8, broken JSON and nesting deeper than 32.
 */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw new Refusal('malformed_request', 'The body is not valid UTF-8. Send JSON in UTF-8.');
  const shape = shapeOf(body);
  if (shape.depth > DEPTH_MAX)
    throw new Refusal('malformed_request', `The body nests deeper than ${DEPTH_MAX}. Send flatter JSON.`);
  if (shape.commas >= VALUES_MAX)
    throw new Refusal('malformed_request', `The body has more than ${VALUES_MAX} values. Send less at once.`);

  const text = body.toString('utf8');
  const reviver = MAY_HOLD_PROTOTYPE_KEY.test(text) ? dropPrototypeKeys : undefined;
  try {
    return JSON.parse(text, reviver);
  } catch {
    throw new Refusal('malformed_request', 'The body is not valid JSON. Mend it and send it again.');
  }
}

/** Measured in one pass before parsing: JSON.parse takes 100,000 levels and values, and what walks the value afterwards takes its stack, or seconds. Ends at the first excess. */
function shapeOf(json: Buffer): { depth: number; commas: number } {
  const shape = { depth: 0, commas: 0 };
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < json.length && shape.depth <= DEPTH_MAX && shape.commas < VALUES_MAX; i += 1) {
    const byte = json[i] ?? 0;
    if (isInString) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (byte === COMMA) shape.commas += 1;
    else if (byte === OPENING_BRACKET || byte === OPENING_BRACE) shape.depth = Math.max(shape.depth, (depth += 1));
    else if (byte === CLOSING_BRACKET || byte === CLOSING_BRACE) depth -= 1;
  }
  return shape;
}

function dropPrototypeKeys(key: string, value: unknown): unknown {
  return PROTOTYPE_KEYS.has(key) ? undefined : value;
}

const tooLarge = (): Refusal => new Refusal('body_too_large', 'A body may have at most 1 MiB. Send less.');
