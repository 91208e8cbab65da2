import { atMost } from '@edgechat/kernel';
import { reasonOf } from '@edgechat/platform/logging';
import { Redis as Client } from 'ioredis';
import { hintAbout, inspectRedis, isRefusedLogin, RedisUnfit } from './fitness.js';

const PATIENCE_MS = 3_000;

/** How a Redis is: it can be used; it refuses us, or never could do what is needed, and the sentence says what to change; or it cannot be reached or is no Redis now, with why. */
export type RedisCheck =
  | { readonly is: 'usable' }
  | { readonly is: 'refused'; readonly sentence: string }
  | { readonly is: 'away'; readonly reason: string; readonly hint: string | undefined };

/** Looks once whether the Redis at a URL can be used; takes at most 3 s. */
export async function checkRedis(url: string): Promise<RedisCheck> {
  const client = new Client(url, {
    lazyConnect: true,
    connectTimeout: 2_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let wasConnected = client.options.tls !== undefined;
  let first: unknown = null;
  client.on('connect', () => (wasConnected = true));
  client.on('error', (error: unknown) => (first ??= error));
  try {
    const looked = await atMost(
      PATIENCE_MS,
      client.connect().then(() => inspectRedis(client)),
    );
    if (!looked.isLate) return { is: 'usable' };
    first ??= new Error(`no answer within ${PATIENCE_MS} ms`);
  } catch (error) {
    if (error instanceof RedisUnfit) return { is: 'refused', sentence: error.message };
    first ??= error;
  } finally {
    client.disconnect();
  }
  if (isRefusedLogin(first))
    return { is: 'refused', sentence: `Redis (REDIS_URL) refuses the login: ${reasonOf(first)}` };
  return { is: 'away', reason: reasonOf(first), hint: hintAbout(first, wasConnected) };
}
