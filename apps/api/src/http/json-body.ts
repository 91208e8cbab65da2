import { isUtf8 } from 'node:buffer';
import { Refusal } from '@edgechat/kernel';

const DEPTH_MAX = 32;
/** Ten times what the largest body of today's calls and those to come holds. */
const VALUES_MAX = 10_000;

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
