import { Slices } from '@edgechat/kernel';
import type { FastifyInstance } from 'fastify';

/** An answer with more text than this is made into bytes in slices; less of it at once. */
const AT_ONCE_MAX_CHARACTERS = 131_072;

/** Becoming JSON takes so much less for a character than the work for which slices count them. */
const STEP_SHARE = 16;

type Answer = Readonly<Record<string, unknown>>;
const isAnswer = (value: unknown): value is Answer => typeof value === 'object' && value !== null;

/** A page of the longest messages takes some 30 ms to become JSON, and to become bytes: it does so message by message, in slices, so that the event loop serves others meanwhile. */
export function makeLargeAnswersInSlices(fastify: FastifyInstance): void {
  fastify.addHook('preSerialization', (_request, reply, payload: unknown, done) => {
    const list = isAnswer(payload) ? largeListOf(payload) : null;
    if (!isAnswer(payload) || list === null) return done();
    bytesOf(payload, list, () => reply.raw.destroyed).then((bytes) => {
      // (Fastify takes bytes here, and its types only text.)
      Reflect.apply(reply.serializer, reply, [() => bytes]);
      done(null, payload);
    }, done);
  });
}

/** The name of the list that makes an answer large: the lists of answers hold at most 100 things, and their text is in fields of those. */
function largeListOf(answer: Answer): string | null {
  for (const name of Object.keys(answer)) {
    const value = answer[name];
    if (Array.isArray(value) && value.reduce<number>((sum, one) => sum + textIn(one), 0) > AT_ONCE_MAX_CHARACTERS)
      return name;
  }
  return null;
}

/** The characters of the texts in an object, and in the objects in it. */
function textIn(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length;
  if (!isAnswer(value) || depth > 1) return 0;
  let characters = 0;
  for (const name in value) characters += textIn(value[name], depth + 1);
  return characters;
}

/** What `JSON.stringify` makes of the answer, in UTF-8; nothing once nobody waits for it any more. */
async function bytesOf(answer: Answer, listName: string, isGone: () => boolean): Promise<Buffer> {
  const slices = new Slices('answer');
  const parts: Buffer[] = [];
  let comma = '{';
  for (const [name, value] of Object.entries(answer)) {
    const isList = name === listName && Array.isArray(value);
    if (value === undefined) continue;
    const json = isList ? '[' : JSON.stringify(value);
    parts.push(Buffer.from(`${comma}${JSON.stringify(name)}:${json}`));
    comma = ',';
    if (!isList) continue;
    for (const [n, one] of value.entries()) {
      // (In a list `JSON.stringify` makes null of what has no JSON.)
      parts.push(Buffer.from(`${n > 0 ? ',' : ''}${JSON.stringify(one) ?? 'null'}`));
      if (slices.take(textIn(one) / STEP_SHARE)) await slices.next();
      if (isGone()) return Buffer.alloc(0);
    }
    parts.push(Buffer.from(']'));
  }
  slices.end();
  return Buffer.concat([...parts, Buffer.from('}')]);
}
