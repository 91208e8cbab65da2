import { types } from 'node:util';
import { APICallError } from 'ai';
import { ProviderFault, type Misconfiguration } from './provider-fault.js';
import { retryAfterSeconds } from './retry.js';

/** What the SDK threw, as a fault that says no more than may be logged. */
export function faultOf(error: unknown): ProviderFault {
  if (error instanceof ProviderFault) return error;
  if (APICallError.isInstance(error)) return faultOfCall(error);
  // The name alone: the message of a TypeError about a bad header has the header in it, and that is the key.
  return new ProviderFault('unexpected', { reason: types.isNativeError(error) ? error.name : typeof error });
}

function faultOfCall({ statusCode: status, responseHeaders, data }: APICallError): ProviderFault {
  if (status === undefined) return new ProviderFault('unreachable');
  if (status >= 200 && status < 300) return new ProviderFault('malformed', { status });
  const reason = providersWord(data);
  const misconfiguration = misconfigurationOf(status, reason);
  if (misconfiguration !== null)
    return new ProviderFault('refused', { status, reason, code: 'ai_misconfigured', misconfiguration });
  if (status !== 429) return new ProviderFault('refused', { status, reason });
  return new ProviderFault('refused', {
    status,
    reason,
    code: 'ai_quota_exceeded',
    retryAfterMs: 1_000 * retryAfterSeconds(responseHeaders?.['retry-after'], Date.now()),
  });
}

function misconfigurationOf(status: number, reason: string | undefined): Misconfiguration | null {
  if (reason === 'API_KEY_INVALID' || status === 401) return 'key';
  if (reason === 'insufficient_quota' || status === 402) return 'credit';
  if (reason === 'unsupported_country_region_territory') return 'region';
  if (status === 403) return 'key';
  if (status === 404) return reason === undefined ? 'url' : 'model';
  return status >= 300 && status < 400 ? 'url' : null;
}

/**
 * The short word for an error that all three formats have: Gemini `error.status` (NOT_FOUND), OpenAI `error.code`
 * (model_not_found), Anthropic `error.type` (not_found_error). Letters and `_` only: no key, no sentence passes.
 */
function providersWord(data: unknown): string | undefined {
  const error = member(data, 'error');
  const words = [detail(error), member(error, 'status'), member(error, 'code'), member(error, 'type')];
  return words.find((word): word is string => typeof word === 'string' && /^[A-Za-z_]{1,40}$/.test(word));
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** Gemini says in a detail of its own which key, or what else, it means by `INVALID_ARGUMENT`. */
function detail(error: unknown): unknown {
  const details = member(error, 'details');
  return Array.isArray(details)
    ? details.map((one) => member(one, 'reason')).find((one) => one !== undefined)
    : undefined;
}
