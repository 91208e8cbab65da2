import { types } from 'node:util';
import { APICallError } from 'ai';
import { complaintIn } from './complaint.js';
import type { Complaint } from './complaint.js';
import { isLoggable } from './known-words.js';
import { ProviderFault } from './provider-fault.js';
import type { Spent } from './provider-fault.js';
import { judge } from './refusal-table.js';
import { parsedOrUndefined } from './unknown-json.js';
import { mayRetry, namedWaitMs } from './waits.js';

/** What a call threw, as a fault that says no more than may be logged. */
export function faultOf(error: unknown): ProviderFault {
  if (error instanceof ProviderFault) return error;
  if (APICallError.isInstance(error) && error.statusCode !== undefined) {
    const { statusCode: status, responseHeaders = {}, responseBody: bodyText = '' } = error;
    return faultOfRefusal({ status, headers: new Headers(responseHeaders), bodyText });
  }
  // The name alone: the message of a TypeError about a bad header has the header in it, and that is the key.
  return new ProviderFault('unexpected', { reason: types.isNativeError(error) ? error.name : typeof error });
}

/** A refusal as it came: a status that is none of 200 to 299, and what was read of the body. */
export interface RefusedResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bodyText: string;
}

/** What a refusal is, by the one table (see refusal-table.ts). Nothing is billed unless the body says so. */
export function faultOfRefusal({ status, headers, bodyText }: RefusedResponse, nowMs = Date.now()): ProviderFault {
  const body = parsedOrUndefined(bodyText) ?? sentenceOf(bodyText);
  const { words, ...said } = complaintIn(body);
  const named = headers.get('x-amzn-errortype')?.split(':')[0];
  return refused({ ...said, words: named ? [named, ...words] : words }, { status, headers, body, spent: null, nowMs });
}

/** An error that came with status 200 is judged by its own code, as if that were the status. */
export function faultOfError(
  error: unknown,
  { headers, spent, nowMs }: { headers: Headers; spent: Spent | null; nowMs: number },
): ProviderFault {
  const complaint = complaintIn(error);
  return refused(complaint, { status: complaint.status, headers, body: error, spent, nowMs });
}

interface Circumstances {
  readonly status: number | null;
  readonly headers: Headers;
  readonly body: unknown;
  readonly spent: Spent | null;
  readonly nowMs: number;
}

function refused(complaint: Complaint, { status, headers, body, spent, nowMs }: Circumstances): ProviderFault {
  const { word, ...judged } = judge(complaint, status);
  const reason = [word ?? '', ...complaint.words].find((said) => said !== 'error' && isLoggable(said));
  return new ProviderFault('refused', {
    status: status ?? undefined,
    ...judged,
    reason,
    retryAfterMs: namedWaitMs({ status, headers, body, sentences: complaint.sentences }, nowMs),
    mayRetry: mayRetry(headers),
    spent,
  });
}

/** A page for people says nothing that the status does not. */
function sentenceOf(bodyText: string): string {
  return /^\s*</.test(bodyText) ? '' : bodyText;
}
