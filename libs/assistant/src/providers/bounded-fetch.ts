import { types } from 'node:util';
import { providerFetch } from './provider-fetch.js';
import { ProviderFault } from './provider-fault.js';

/** An answer of 100,000 code points is 400 kB of UTF-8 at most, 1.2 MB if each is escaped in JSON; ten times that is a fault. */
const MAX_BODY_BYTES = 4 * 1_024 * 1_024;

/**
 * `fetch` for the SDK. It reads the whole body, at most 4 MiB unpacked, so that a connection that breaks in the middle of an
 * answer is seen here, as what it is. It follows no redirect: the key would go along to wherever it leads.
 * @throws ProviderFault `unreachable`, `cut`, `too_large`; what `fetch` throws once the signal is aborted
 */
export const boundedFetch: typeof fetch = async (input, init) => {
  const response = await connect(input, init);
  const body = await readBody(response, init?.signal);

  const headers = new Headers(response.headers);
  headers.delete('content-encoding');
  headers.delete('content-length');
  return new Response(body.length === 0 ? null : body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
};

async function connect(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  try {
    return await providerFetch(input, init);
  } catch (error) {
    if (init?.signal?.aborted) throw error;
    throw new ProviderFault('unreachable', { reason: systemCode(error) });
  }
}

async function readBody(response: Response, signal: AbortSignal | null | undefined): Promise<Buffer<ArrayBuffer>> {
  const stream: ReadableStream<Uint8Array> | null = response.body;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream ?? []) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) throw new ProviderFault('too_large', { status: response.status });
      chunks.push(chunk);
    }
  } catch (error) {
    if (signal?.aborted || error instanceof ProviderFault) throw error;
    // Of an error the status is what counts, and it is known: a 429 without its words is a 429.
    if (!response.ok) return Buffer.alloc(0);
    throw new ProviderFault('cut', { status: response.status, reason: systemCode(error) });
  }
  return Buffer.concat(chunks);
}

/** `ECONNREFUSED` and the like, from the error that `fetch` wraps. Not by `instanceof`: in Jest that error is of another realm. */
export function systemCode(error: unknown): string | undefined {
  const cause = types.isNativeError(error) ? error.cause : undefined;
  return types.isNativeError(cause) && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}
