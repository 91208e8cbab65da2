import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import type { Refusal } from '@edgechat/kernel';
import { invalid, Rule, type Judge } from './validation.js';

/** What a cursor is bound to: the call, the caller, and whatever else makes it another list. In another list it is a bad cursor. */
export type ListKey = readonly [call: string, ...rest: (string | number | null)[]];

const CURSOR_MAX_CHARACTERS = 512;
const BAD = { code: 'bad_cursor', detail: 'must be a next_cursor of this list, given once' };
const judgeCursor: Judge = (value) => (typeof value === 'string' && value.length <= CURSOR_MAX_CHARACTERS ? null : BAD);

/** The query parameter `cursor`. */
export const CursorParameter = (): PropertyDecorator =>
  applyDecorators(
    IsOptional(),
    Rule('cursor', judgeCursor),
    ApiProperty({ type: 'string', required: false, description: '`next_cursor` of the page before.' }),
  );

/** The place behind which a list's next page begins, as an opaque text that is good for this list only. No secret: it holds nothing that its reader may not know. */
export function writeCursor(list: ListKey, place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, place])).toString('base64url');
}

/** The parts of the place that `writeCursor` wrote for this list. They come from the client: look at each before it is used. @throws Refusal `validation_failed` (`bad_cursor`) */
export function readCursor(list: ListKey, cursor: string): readonly unknown[] {
  const [key, place] = parts(cursor);
  if (JSON.stringify(key) !== JSON.stringify(list) || !Array.isArray(place)) throw badCursor();
  return place;
}

/** An instant that was written as its milliseconds. @throws Refusal `validation_failed` (`bad_cursor`) */
export function instantOfCursor(value: unknown): Date {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > 8.64e15) throw badCursor();
  return new Date(value);
}

/** The refusal of a cursor that is none of this list's. */
export const badCursor = (): Refusal => invalid('cursor', BAD.code, BAD.detail);

function parts(cursor: string): readonly unknown[] {
  const bytes = Buffer.from(cursor, 'base64url');
  // Decoding passes over what is no base64url: only the one spelling that writeCursor gives is a cursor.
  if (bytes.toString('base64url') !== cursor) return [];
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
