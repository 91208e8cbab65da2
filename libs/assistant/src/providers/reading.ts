import type { FinishReason } from '../ports/language-model.js';
import type { ReportedUsage } from './reported-usage.js';
import { laterUsage, NO_USAGE } from './reported-usage.js';
import { firstMember, listOf, member, textOf } from './unknown-json.js';

/** What a provider's answer, or one event of it, says, whatever its format. */
export interface Reading {
  readonly text: string;
  /** What the model thought, where the format keeps it apart: billed, and never shown. */
  readonly reasoning: string;
  /** The provider's own word for why it ended; empty where it says nothing. */
  readonly finishWord: string;
  /** The question was refused before there was an answer, or a refusal stands in the answer's stead. */
  readonly isBlocked: boolean;
  readonly usage: ReportedUsage;
  /** The part of the body that tells of an error; undefined where there is none. */
  readonly error: unknown;
}

/** A wire format, as far as answers are read in it. Both functions take anything and never throw. */
export interface AnswerFormat {
  /** What a body, or an event of a stream, says. */
  readonly read: (body: unknown) => Reading;
  /** A body that says the same, in the form that the SDK surely takes. */
  readonly bodyOf: (reading: Reading) => object;
  /** What an answer is that came whole, has no text, and did not end as answers do. */
  readonly endsOddlyAs: 'ai_refused' | 'ai_failed';
}

export const NOTHING: Reading = {
  text: '',
  reasoning: '',
  finishWord: '',
  isBlocked: false,
  usage: NO_USAGE,
  error: undefined,
};

/** The parts of one answer as one. */
export function joined(parts: readonly Reading[]): Reading {
  return {
    text: parts.map(({ text }) => text).join(''),
    reasoning: parts.map(({ reasoning }) => reasoning).join(''),
    finishWord: parts.findLast(({ finishWord }) => finishWord !== '')?.finishWord ?? '',
    isBlocked: parts.some(({ isBlocked }) => isBlocked),
    usage: parts.reduce((usage, part) => laterUsage(usage, part.usage), NO_USAGE),
    error: parts.find(({ error }) => error !== undefined)?.error,
  };
}

const STOPPED = new Set(
  'stop stopped end_turn stop_sequence pause_turn eos eos_token end finish finished complete completed done'.split(' '),
);
const FULL = new Set(
  'length max_tokens max_output_tokens max_length max_new_tokens model_length token_limit continuation model_context_window_exceeded'.split(
    ' ',
  ),
);
const FILTERED = new Set(
  (
    'content_filter content_filtered refusal safety recitation blocklist prohibited_content spii language sensitive ' +
    'image_safety image_recitation image_prohibited_content guardrail_intervened blocked moderation error_toxic'
  ).split(' '),
);

/** Why an answer ended, by the words of all formats, in any case of letters. */
export function finishReasonOf(word: string): FinishReason {
  const plain = word.toLowerCase().replaceAll('-', '_').slice(0, 60);
  if (STOPPED.has(plain)) return 'stop';
  if (FULL.has(plain)) return 'length';
  return FILTERED.has(plain) ? 'content-filter' : 'other';
}

/** What a content says: text, thought and refusals apart. */
export interface Content {
  readonly text: string;
  readonly reasoning: string;
  readonly refusal: string;
}

/** Many more than any answer has. */
const MAX_PARTS = 10_000;

const TEXT_TYPES = new Set(['', 'text', 'output_text', 'input_text', 'text_delta', 'markdown']);
const NOT_TEXT = /think|thought|reason|summary|refus|tool|function|call|cit|search|image|audio|code|file|result/i;

/**
 * A content in any of its forms: a text, a list of parts, one part. A part of a type that nobody knows is text only where no
 * other part is, and its type does not say that it is something else.
 */
export function contentOf(content: unknown): Content {
  const parts = listOf(content).slice(0, MAX_PARTS);
  const text = parts.filter(isText).map(partText).join('');
  const unknown = text === '' ? parts.filter((part) => !isText(part) && !isKnownNotText(part)) : [];
  return {
    text: text === '' ? unknown.map(partText).join('') : text,
    reasoning: parts.filter(isThought).map(thoughtText).join(''),
    refusal: parts.map((part) => textOf(member(part, 'refusal'))).join(''),
  };
}

function isText(part: unknown): boolean {
  return typeof part === 'string' || (TEXT_TYPES.has(typeOf(part)) && !isThought(part));
}

function typeOf(part: unknown): string {
  return textOf(member(part, 'type')).toLowerCase();
}

function isKnownNotText(part: unknown): boolean {
  return NOT_TEXT.test(typeOf(part)) || isThought(part);
}

/** Gemini marks the part, the others give it a type of its own. */
function isThought(part: unknown): boolean {
  const mark = member(part, 'thought');
  return mark === true || mark === 'true' || /think|thought|reason/.test(typeOf(part));
}

function partText(part: unknown): string {
  if (typeof part === 'string') return part;
  const text = member(part, 'text');
  return textOf(text) || textOf(member(text, 'value')) || textOf(member(part, 'content'));
}

function thoughtText(part: unknown): string {
  const thinking = firstMember(part, 'thinking', 'reasoning', 'text', 'summary');
  return textOf(thinking) || listOf(thinking).map(partText).join('');
}
