import { firstMember, listOf, member, parsedOrUndefined, textOf, unwrapped } from './unknown-json.js';

/** What a body complains of. Only `words` may be logged, and of them only what `isLoggable` (known-words.ts) lets through. */
export interface Complaint {
  /** Short words such as `model_not_found`, in the order of the body, the outermost first. */
  readonly words: readonly string[];
  /** The provider's sentences, in small letters. They can hold parts of keys and of prompts, and go nowhere. */
  readonly sentences: string;
  /** The HTTP status that the body itself speaks of; null where it speaks of none. */
  readonly status: number | null;
}

const SENTENCES_MAX = 4_000;
const NODES_MAX = 40;
const DEPTH_MAX = 6;

/** Where complaints stand in complaints: Azure has `innererror`, Google `details`, OpenRouter the answer it got in `metadata.raw`. */
const INNER =
  'error Error errors innererror inner_error detail details metadata raw base_resp provider_specific_fields Output'.split(
    ' ',
  );
const WORDS = 'reason code Code status type __type error_type errorType error_code blockReason'.split(' ');
const SENTENCES = 'message Message msg error_msg status_msg error_description error_message title'.split(' ');

interface Node {
  readonly value: unknown;
  readonly depth: number;
}

/** Reads what a body complains of, whatever its form; a text that is no JSON is a sentence. Bounded, and never throws. */
export function complaintIn(body: unknown): Complaint {
  const nodes: Node[] = [{ value: unwrapped(body), depth: 0 }];
  for (let i = 0; i < nodes.length && i < NODES_MAX; i += 1) nodes.push(...innerNodes(nodes[i]));
  const seen = nodes.slice(0, NODES_MAX).map(({ value }) => value);

  return {
    words: seen.flatMap(wordsOf),
    sentences: seen.flatMap(sentencesOf).join('\n').slice(0, SENTENCES_MAX).toLowerCase(),
    status: seen.map(statusOf).find((status) => status !== null) ?? null,
  };
}

function innerNodes(node: Node | undefined): Node[] {
  if (node === undefined || node.depth >= DEPTH_MAX) return [];
  const inner = INNER.flatMap((name) => listOf(member(node.value, name)).slice(0, NODES_MAX));
  return inner.map((value) => ({
    value: typeof value === 'string' ? jsonOrText(value) : value,
    depth: node.depth + 1,
  }));
}

function jsonOrText(text: string): unknown {
  return /^\s*[[{]/.test(text) ? (unwrapped(parsedOrUndefined(text)) ?? text) : text;
}

function wordsOf(node: unknown): string[] {
  if (typeof node === 'string') return isWord(node) ? [node] : [];
  const words = WORDS.map((name) => textOf(member(node, name))).filter(isWord);
  if (member(node, 'param') === 'model') words.push('param_model');
  const statusCode = member(node, 'status_code');
  if (statusCode !== undefined && statusCode !== 0) words.push(`base_resp_${String(statusCode).slice(0, 8)}`);
  return words;
}

function sentencesOf(node: unknown): string[] {
  if (typeof node === 'string') return [node];
  return SENTENCES.map((name) => textOf(member(node, name))).filter((sentence) => sentence !== '');
}

function isWord(text: string): boolean {
  return /^[\w.#:/-]{2,80}$/.test(text);
}

/** Google's words for a status, and Anthropic's, which stand in a body without the number. */
export const STATUS_OF_WORD: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  api_error: 500,
  server_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

function statusOf(node: unknown): number | null {
  const values = ['code', 'status', 'statusCode', 'error_code', 'type'].map((name) => member(node, name));
  for (const value of values) {
    const number = typeof value === 'number' || /^\d{3}$/.test(textOf(value)) ? Number(value) : NaN;
    if (number >= 400 && number <= 599) return number;
  }
  const word = values.map(textOf).find((value) => Object.hasOwn(STATUS_OF_WORD, value));
  return word === undefined ? null : (STATUS_OF_WORD[word] ?? null);
}

/**
 * The part of an answer with status 200 that says that it is none: an `error` that is not empty, or one of the other ways
 * to say so. Undefined where nothing does. An answer that has a text is an answer all the same.
 */
export function errorIn(body: unknown): unknown {
  const error = firstMember(body, 'error', 'errors', 'Error');
  if (isError(error)) return { error };
  const isOneItself =
    ['error', 'Error'].includes(textOf(firstMember(body, 'type', 'object'))) ||
    member(body, 'success') === false ||
    Boolean(member(member(body, 'base_resp'), 'status_code')) ||
    firstMember(body, 'error_code', 'error_msg', '__type') !== undefined;
  return isOneItself ? body : undefined;
}

function isError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return error === true || (typeof error === 'string' && error !== '');
  return Object.values(error).some((value) => value !== null && value !== '' && value !== 0 && value !== false);
}
