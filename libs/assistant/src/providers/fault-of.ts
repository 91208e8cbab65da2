import { types } from 'node:util';
import { APICallError } from 'ai';
import type { AnswerFailedCode } from '../ports/language-model.js';
import { ProviderFault } from './provider-fault.js';

/** What the SDK threw, as a fault that says no more than may be logged. */
export function faultOf(error: unknown): ProviderFault {
  if (error instanceof ProviderFault) return error;
  if (APICallError.isInstance(error)) return faultOfCall(error);
  // The name alone: the message of a TypeError about a bad header has the header in it, and that is the key.
  return new ProviderFault('unexpected', { reason: types.isNativeError(error) ? error.name : typeof error });
}

function faultOfCall({ statusCode: status, responseHeaders, data, responseBody }: APICallError): ProviderFault {
  if (status === undefined) return new ProviderFault('unreachable');
  if (status >= 200 && status < 300) return new ProviderFault('malformed', { status });
  const reason = providersWord(data);
  const code = codeOf(status, responseBody ?? '');
  return new ProviderFault('refused', {
    status,
    reason,
    code,
    retryAfterMs: waitOf(responseHeaders ?? {}),
    mayRetry: { true: true, false: false }[responseHeaders?.['x-should-retry'] ?? ''] ?? null,
    isUnexplained: status === 400 && code === 'ai_failed',
  });
}

function codeOf(status: number, body: string): AnswerFailedCode {
  if (/content_filter/.test(body)) return 'ai_refused';
  if (/maximum|context_length/.test(body)) return 'ai_input_too_long';
  if ([401, 402, 403, 404].includes(status)) return 'ai_misconfigured';
  if (status === 429) return 'ai_quota_exceeded';
  return status === 503 || status === 529 ? 'ai_overloaded' : 'ai_failed';
}

function waitOf(headers: Record<string, string>): number | null {
  if (headers['retry-after-ms'] !== undefined) return Number(headers['retry-after-ms']);
  const header = headers['retry-after'];
  if (header === undefined) return null;
  const seconds = Number.isNaN(Number(header)) ? (Date.parse(header) - Date.now()) / 1_000 : Number(header);
  return Number.isNaN(seconds) ? null : seconds * 1_000;
}

/**
 * The short word for an error that all three formats have: Gemini `error.status` (NOT_FOUND), OpenAI `error.code`
 * (model_not_found), Anthropic `error.type` (not_found_error). Letters and `_` only: no key, no sentence passes.
 */
function providersWord(data: unknown): string | undefined {
  const error = member(data, 'error');
  const words = [member(error, 'status'), member(error, 'code'), member(error, 'type')];
  return words.find((word): word is string => typeof word === 'string' && /^[A-Za-z_]{1,40}$/.test(word));
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
