import { ReplyError } from 'ioredis';

/** What Redis answers instead of doing it, while it is there and cannot work; and what to do about it, where there is something to do. */
const REMEDIES = new Map<string, string | undefined>([
  [
    'OOM',
    'Its memory is full (maxmemory): see what fills it (redis-cli --bigkeys) or give it more. What is owed is done when there is room.',
  ],
  [
    'MISCONF',
    'It cannot write its file: is its disk full? This system needs no file of it (appendonly no, save ""). What is owed is done when it takes writes.',
  ],
  ['READONLY', 'It is a replica, which takes no writes: let REDIS_URL name the primary.'],
  ['BUSY', 'A script that is not of this system holds it up: redis-cli SCRIPT KILL ends it.'],
  ['NOAUTH', 'It wants a password: write it into REDIS_URL.'],
  ['NOPERM', 'Its user may not do what is needed: see the ACL of the user in REDIS_URL.'],
  ['LOADING', undefined],
  ['CLUSTERDOWN', undefined],
  ['MASTERDOWN', undefined],
  ['NOREPLICAS', 'Too few replicas follow it (min-replicas-to-write).'],
  ['TRYAGAIN', undefined],
]);

/**
 * The code with which Redis says that it cannot work now; null for what else it answers, such as an error of a command, and for what it did not answer.
 * Scripts and transactions that it ends for that say so in words that depend on its version.
 */
function refusalOf(error: unknown): string | null {
  if (!(error instanceof Error && error instanceof ReplyError)) return null;
  const { message } = error;
  if (message.startsWith('EXECABORT')) return refusalOfTransaction(error);
  const [, inScript] = /^ERR Error running script.* -([A-Z]+) /s.exec(message) ?? [];
  const code = inScript ?? /^[A-Z]+(?= )/.exec(message)?.[0] ?? '';
  if (REMEDIES.has(code)) return code;
  return /^ERR (The user executing the script can't|ACL failure in script)/.test(message) ? 'NOPERM' : null;
}

/** The first of the reasons why the commands of a transaction were not taken, if all of them are such. What the driver does not know counts as one. */
function refusalOfTransaction(error: Error): string | null {
  const previous: readonly unknown[] =
    'previousErrors' in error && Array.isArray(error.previousErrors) ? error.previousErrors : [];
  const codes = previous.map(refusalOf);
  return codes.includes(null) ? null : (codes[0] ?? 'TRYAGAIN');
}

/** True for what Redis says when it cannot work now. */
export const isRefusal = (error: unknown): boolean => refusalOf(error) !== null;

/** True when Redis was not reached in time or cannot work now; false for an error of ours in what was asked. */
export function isOutage(error: unknown): boolean {
  return error instanceof Error && (!(error instanceof ReplyError) || isRefusal(error));
}

/** What to do about a Redis that cannot work now, for people. */
export function remedyFor(error: unknown): string | undefined {
  const code = refusalOf(error);
  return code === null ? undefined : REMEDIES.get(code);
}
