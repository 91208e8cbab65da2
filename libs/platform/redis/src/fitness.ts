import { ReplyError, type Redis as Client } from 'ioredis';
import { PREFIX } from './prefix.js';

/** This Redis answers, but cannot do what is needed as it is set up: the message says why, and what to do. */
export class RedisUnfit extends Error {
  override readonly name = 'RedisUnfit';
}

/** What a server says of itself; null for what it keeps to itself (some rented ones do). */
export interface RedisServer {
  readonly version: string | null;
  readonly isCluster: boolean;
  readonly isReplica: boolean;
  readonly evictionPolicy: string | null;
}

/** Reads the answer to INFO. */
export function readInfo(info: string): RedisServer {
  const fields = new Map(
    info.split(/\r?\n/).map((line): [string, string] => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  return {
    version: /^[0-9]+(?:\.[0-9]+)*/.exec(fields.get('redis_version') ?? '')?.[0] ?? null,
    isCluster: fields.get('cluster_enabled') === '1' || fields.get('redis_mode') === 'cluster',
    isReplica: fields.get('role') === 'slave',
    evictionPolicy: fields.get('maxmemory_policy') ?? null,
  };
}

/** What is not as it should be, and does little harm: sentences for people. @throws RedisUnfit for a version below 6.2 */
export function warningsAbout({ version, isCluster, isReplica, evictionPolicy }: RedisServer): string[] {
  if (version !== null && isOlderThan(version, 6, 2))
    throw new RedisUnfit(`Redis ${version} is too old: 6.2 or newer is needed.`);
  const isEvicting = evictionPolicy !== null && evictionPolicy !== 'noeviction';
  return [
    ...(isEvicting
      ? [
          `Redis has the maxmemory-policy ${evictionPolicy}, which may drop queued work and signals when memory is short: what is owed is done late then. Set it to noeviction.`,
        ]
      : []),
    ...(isReplica
      ? ['This Redis is a replica, which takes no writes: nothing is queued. Let REDIS_URL name the primary.']
      : []),
    ...(isCluster
      ? [
          'This Redis is a cluster, which is not supported: it works only as long as the node that REDIS_URL names has the slot of all keys. Use a Redis without cluster mode.',
        ]
      : []),
  ];
}

/**
 * Asks a Redis whether it can do what is needed.
 * @returns warnings for people
 * @throws RedisUnfit; what the driver throws when it cannot be asked
 */
export async function inspectRedis(client: Client): Promise<string[]> {
  const database = client.options.db ?? 0;
  if (database !== 0)
    await refusedAs(`Redis has no database ${database}: REDIS_URL ends with its number`, client.select(database));
  const server = readInfo(await infoOf(client));
  if (server.isCluster)
    await refusedAs(
      'This Redis is a cluster, which is not supported: REDIS_URL has to name a Redis without cluster mode',
      client.exists(`${PREFIX}:any`),
    );
  return warningsAbout(server);
}

/** What Redis answers to a command; an error that it answers means that it cannot be used, which these words say. */
async function refusedAs(words: string, answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    const answered = answerOf(error);
    throw answered === null ? error : new RedisUnfit(`${words} (${answered}).`);
  }
}

/** Nothing where the account may not ask. */
async function infoOf(client: Client): Promise<string> {
  try {
    return await client.info();
  } catch (error) {
    if (/^(NOPERM|ERR)\b/.test(answerOf(error) ?? '')) return '';
    throw error;
  }
}

function isOlderThan(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

/** True for a server that is there and refuses the user, the password or that there is none: it will until somebody changes one of them. */
export const isRefusedLogin = (error: unknown): boolean =>
  /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password)\b/.test(answerOf(error) ?? '');

/** The words of an error that Redis itself answered; they begin with its code. */
const answerOf = (error: unknown): string | null =>
  error instanceof Error && error instanceof ReplyError ? error.message : null;

const HINT =
  'Something listens there and ended the connection, or says what is no Redis: does it want TLS (rediss://), or none (redis://), or is it another server?';

/** What to look at, for a server that takes connections and then does not speak as Redis does. @param wasConnected always true with TLS, where a server that waits for something else counts as no connection */
export function hintAbout(error: unknown, wasConnected: boolean): string | undefined {
  if (answerOf(error) !== null) return undefined;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const isOther = /^(EPROTO|ERR_SSL.*)$/.test(code) || (error instanceof Error && error.name === 'ParserError');
  return isOther || (wasConnected && /^(ECONNRESET|EPIPE|ETIMEDOUT|)$/.test(code)) ? HINT : undefined;
}
