import { createHash } from 'node:crypto';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { accountId, conversationId, Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { parseQuery, type Search, type SearchPlace } from '@edgechat/search';
import { badCursor, CursorParameter, instantOfCursor, readCursor, writeCursor, type ListKey } from '../http/cursor.js';
import { IsOneOf, IsStoredText, QueryInteger, Rule, type Judge } from '../http/validation.js';
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
  @IsStoredText(1, 256, {
    example: 'rome hotel',
    description:
      'Words that must all be there, in any case and with or without accents. The last also matches as a beginning; Chinese, Japanese, Thai and Korean anywhere. Signs part words and mean nothing.',
  })
  readonly q!: string;

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

/** The search that these parameters ask for. @throws Refusal `query_without_words`, `conversation_not_found` for what can be no conversation's id, `validation_failed` (`bad_cursor`) */
export function searchOf(given: SearchParameters, reader: AccountId): Search {
  const query = parseQuery(given.q);
  if (query === null)
    throw new Refusal(
      'query_without_words',
      'The query has no word. Signs only part words: search for at least one letter or digit.',
    );

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
export function writeSearchCursor(given: SearchParameters, reader: AccountId, place: SearchPlace): string {
  const at = [place.at.getTime(), place.conversationId, place.seq];
  if (place.order === 'time') return writeCursor(keyOf(given, reader), at);
  const oldest =
    place.oldest === null ? [] : [place.oldest.at.getTime(), place.oldest.conversationId, place.oldest.seq];
  return writeCursor(keyOf(given, reader), [...at, place.score, place.newestAt.getTime(), ...oldest]);
}

function readSearchCursor(key: ListKey, cursor: string): SearchPlace {
  const [at, conversation, seq, score, newestAt, ...oldest] = readCursor(key, cursor);
  const place = timePlace(at, conversation, seq);
  if (score === undefined) return { order: 'time', ...place };
  if (typeof score !== 'number' || !(score >= 0 && score <= 1)) throw badCursor();
  return {
    order: 'score',
    ...place,
    score,
    newestAt: instantOfCursor(newestAt),
    oldest: oldest.length === 0 ? null : timePlace(oldest[0], oldest[1], oldest[2]),
  };
}

function timePlace(
  at: unknown,
  conversation: unknown,
  seq: unknown,
): { at: Date; conversationId: ConversationId; seq: number } {
  const id = conversationId(conversation);
  if (id === null || typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) throw badCursor();
  return { at: instantOfCursor(at), conversationId: id, seq };
}
