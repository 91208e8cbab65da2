import { createHash } from 'node:crypto';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { accountId, assertNever, conversationId, Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import {
  parseQuery,
  PHASES,
  type Search,
  type SearchPosition,
  type SearchQuery,
  type TimePosition,
} from '@edgechat/search';
import { badCursor, CursorParameter, instantOfCursor, readCursor, writeCursor, type ListKey } from '../http/cursor.js';
import { invalid, IsOneOf, IsStoredText, QueryInteger, Rule, type Judge } from '../http/validation.js';
import { parseInstant } from './rfc3339.js';

const judgeId: Judge = (value) =>
  typeof value === 'string' ? null : { code: 'given_twice', detail: 'must be given once' };
const judgeInstant: Judge = (value) =>
  typeof value === 'string' && parseInstant(value) !== null
    ? null
    : {
        code: 'not_an_instant',
        detail: 'must be an RFC 3339 instant such as 2026-11-24T08:00:00.000Z, given once (write + as %2B)',
      };
const Instant = (description: string): PropertyDecorator =>
  applyDecorators(
    IsOptional(),
    Rule('instant', judgeInstant),
    ApiProperty({ type: 'string', format: 'date-time', required: false, description }),
  );

export class SearchParameters {
  @IsOptional()
  @IsStoredText(1, 256, {
    required: false,
    example: 'rome "grand hotel" -milan',
    description:
      'Words that must all be there, in any case and with or without accents. The last also matches as a beginning; what has the whole word comes first. Chinese, Japanese, Thai and Korean match anywhere; at most 8 stretches of them. `"exact phrase"` matches words in a row, `-word` leaves out what has the word. Other signs only part words. Without `q`, give `conversation_id` or `author_id`: the newest messages come first.',
  })
  readonly q?: string;

  @IsOptional()
  @Rule('conversationId', judgeId)
  @ApiProperty({ type: 'string', required: false, description: 'In this conversation only.' })
  readonly conversation_id?: string;

  @IsOptional()
  @QueryInteger(
    { min: 1, max: Number.MAX_SAFE_INTEGER, below: 'refuse' },
    { description: 'Written by this account only.' },
  )
  readonly author_id?: number;
  @IsOptional()
  @IsOneOf(['user', 'model'], { required: false, description: 'Written by people, or by the assistant, only.' })
  readonly role?: 'user' | 'model';
  @Instant('Created at this instant or later.') readonly from?: string;
  @Instant('Created before this instant.') readonly to?: string;
  @IsOptional()
  @IsOneOf(['relevance', 'newest'], {
    required: false,
    default: 'relevance',
    description: 'By relevance the newest 1,000 hits come first; older ones follow by time.',
  })
  readonly sort?: 'relevance' | 'newest';
  @QueryInteger({ min: 1, max: 100, below: 'clamp' }) readonly limit: number = 20;
  @CursorParameter() readonly cursor?: string;
}

/** The search that these parameters ask for. @throws Refusal `query_without_words`, `query_too_complex`, `conversation_not_found` for what can be no conversation's id, `validation_failed` (`bad_cursor`; `missing` without anything to go by) */
export function searchOf(given: SearchParameters, reader: AccountId): Search {
  if (given.q === undefined && given.conversation_id === undefined && given.author_id === undefined)
    throw invalid('q', 'missing', 'must be given, or conversation_id or author_id in its place');
  const query = given.q === undefined ? null : queryOf(given.q);

  return {
    reader,
    query,
    sort: given.sort ?? 'relevance',
    limit: given.limit,
    after: given.cursor === undefined ? null : readSearchCursor(keyOf(given, reader), given.cursor),
    conversationId: given.conversation_id === undefined ? null : knownId(given.conversation_id),
    authorId: given.author_id === undefined ? null : accountId(given.author_id),
    role: given.role ?? null,
    from: given.from === undefined ? null : parseInstant(given.from),
    to: given.to === undefined ? null : parseInstant(given.to),
  };
}

function queryOf(typed: string): SearchQuery {
  const parsed = parseQuery(typed);
  switch (parsed.kind) {
    case 'query':
      return parsed.query;
    case 'without_words':
      throw new Refusal(
        'query_without_words',
        'The query has no word to look for. Signs only part words, and a word after - is left out: search for at least one letter or digit.',
      );
    case 'too_complex':
      throw new Refusal(
        'query_too_complex',
        'The query has more than 8 stretches of scripts that are written without spaces. Search for fewer of them.',
      );
    default:
      return assertNever(parsed);
  }
}

function knownId(given: string): ConversationId {
  const id = conversationId(given);
  if (id === null) throw new Refusal('conversation_not_found', 'Conversation not found');
  return id;
}

/** A cursor goes on with the same search only. */
function keyOf({ q, conversation_id, author_id, role, from, to, sort }: SearchParameters, reader: AccountId): ListKey {
  const asked = JSON.stringify([q, conversation_id, author_id, role, from, to, sort ?? 'relevance']);
  return ['search', reader, createHash('sha256').update(asked).digest('base64url').slice(0, 22)];
}

/** The cursor behind which the search goes on. */
export function writeSearchCursor(given: SearchParameters, reader: AccountId, position: SearchPosition): string {
  const at = [PHASES.indexOf(position.phase), position.at.getTime(), position.conversationId, position.seq];
  if (position.order === 'time') return writeCursor(keyOf(given, reader), at);
  const { oldest } = position;
  const ofOldest = oldest === null ? [] : [oldest.at.getTime(), oldest.conversationId, oldest.seq];
  return writeCursor(keyOf(given, reader), [...at, position.score, position.newestAt.getTime(), ...ofOldest]);
}

function readSearchCursor(key: ListKey, cursor: string): SearchPosition {
  const [phaseAt, at, conversation, seq, score, newestAt, ...oldest] = readCursor(key, cursor);
  const phase = typeof phaseAt === 'number' ? PHASES[phaseAt] : undefined;
  if (phase === undefined) throw badCursor();
  const position = { phase, ...timePosition(at, conversation, seq) };
  if (score === undefined) return { order: 'time', ...position };
  if (typeof score !== 'number' || !(score >= 0 && score <= 1)) throw badCursor();
  return {
    order: 'score',
    ...position,
    score,
    newestAt: instantOfCursor(newestAt),
    oldest: oldest.length === 0 ? null : timePosition(oldest[0], oldest[1], oldest[2]),
  };
}

function timePosition(at: unknown, conversation: unknown, seq: unknown): TimePosition {
  const id = conversationId(conversation);
  if (id === null || typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) throw badCursor();
  return { at: instantOfCursor(at), conversationId: id, seq };
}
