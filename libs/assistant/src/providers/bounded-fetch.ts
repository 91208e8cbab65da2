import { types } from 'node:util';
import { faultOfRefusal } from './fault-of.js';
import { ProviderFault } from './provider-fault.js';
import { providerFetch } from './provider-fetch.js';
import { readAnswer, spentUnread } from './read-answer.js';
import type { AnswerFormat } from './reading.js';

/** An answer of 100,000 code points is 400 kB of UTF-8 at most, 1.2 MB if each is escaped in JSON; ten times that is a fault. */
const MAX_BODY_BYTES = 4 * 1_024 * 1_024;

/** What a provider says of an error fits easily. Longer is a page, and says nothing. */
const MAX_REFUSAL_BYTES = 64 * 1_024;

/** A refusal whose body does not end by then is what its status and headers say. */
const REFUSAL_WITHIN_MS = 5_000;

/**
 * `fetch` for the SDK. It reads the whole body, at most 4 MiB unpacked, so that a connection that breaks in the middle of an
 * answer is seen here, as what it is. What the body says is read here as well, leniently, and handed on in the form that the
 * SDK surely takes: its own parsers decide nothing. It follows no redirect: the key would go along to wherever it leads.
 * @throws ProviderFault and, once the signal is aborted, what `fetch` throws then
 */
export function boundedFetch(format: AnswerFormat, refusalWithinMs = REFUSAL_WITHIN_MS): typeof fetch {
  return async (input, init) => {
    const response = await connect(input, init);
    const { status, headers } = response;
    if (!response.ok) throw faultOfRefusal({ status, headers, bodyText: await readRefusal(response, refusalWithinMs) });

    const text = await readBody(response);
    return Response.json(format.bodyOf(readAnswer(format, { status, headers, text })));
  };
}

async function connect(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  try {
    return await providerFetch(input, init);
  } catch (error) {
    if (init?.signal?.aborted) throw error;
    throw unreachable(systemCode(error));
  }
}

/**
 * A certificate that is not trusted, TLS where there is none, or a proxy that refuses does not get better by itself. A name that
 * is unknown may: a container that is just being started anew has none.
 */
export function unreachable(reason: string | undefined): ProviderFault {
  if (!/CERT|SELF_SIGNED|^ERR_(?:SSL|TLS)|^EPROTO$|ISSUER|^HTTPS?_PROXY_4\d\d$/.test(reason ?? ''))
    return new ProviderFault('unreachable', { reason });
  return new ProviderFault('unreachable', {
    reason,
    code: 'ai_misconfigured',
    misconfiguration: 'url',
    mayRetry: false,
  });
}

/** Also a body that our own deadline cuts is `cut`: what came of it was made, and is billed. */
async function readBody(response: Response): Promise<string> {
  const { status } = response;
  const { bytes, brokeBy, isMore } = await readUpTo(MAX_BODY_BYTES, response);
  if (isMore) throw new ProviderFault('too_large', { status, spent: spentUnread(bytes.length) });
  if (brokeBy !== undefined)
    throw new ProviderFault('cut', { status, reason: systemCode(brokeBy), spent: spentUnread(bytes.length) });
  return decoded(bytes);
}

/** Of an error the status is what counts, and it is known: a 429 without its words is a 429. */
async function readRefusal(response: Response, withinMs: number): Promise<string> {
  const { bytes, brokeBy, isMore } = await readUpTo(MAX_REFUSAL_BYTES, response, withinMs);
  return isMore || brokeBy !== undefined ? '' : decoded(bytes);
}

interface ReadBytes {
  readonly bytes: Uint8Array;
  /** Why reading ended before the body did; undefined if it did not. */
  readonly brokeBy: unknown;
  readonly isMore: boolean;
}

/** Never throws. What is left of the body after it is let go. */
async function readUpTo(maxBytes: number, response: Response, withinMs?: number): Promise<ReadBytes> {
  const stream: ReadableStream<Uint8Array> | null = response.body;
  const reader = stream?.getReader();
  const letGo = (): void => void reader?.cancel().catch(() => undefined);
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isLate = false;
  const timer =
    withinMs === undefined
      ? undefined
      : setTimeout(() => {
          isLate = true;
          letGo();
        }, withinMs).unref();
  const read = (brokeBy?: unknown, isMore = false): ReadBytes => ({ bytes: Buffer.concat(chunks), brokeBy, isMore });
  try {
    for (;;) {
      const next = await reader?.read();
      if (next?.value === undefined) return read(isLate ? 'late' : undefined);
      length += next.value.length;
      if (length > maxBytes) {
        letGo();
        return read(undefined, true);
      }
      chunks.push(next.value);
    }
  } catch (error) {
    return read(error ?? 'unknown');
  } finally {
    clearTimeout(timer);
  }
}

/** UTF-8, without the mark that some put before it. */
function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** `ECONNREFUSED` and the like, from the error that `fetch` wraps. Not by `instanceof`: in Jest that error is of another realm. */
export function systemCode(error: unknown): string | undefined {
  const cause = types.isNativeError(error) ? error.cause : undefined;
  return types.isNativeError(cause) && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}
