import { isGuessablePassword } from './guessable.js';

export const STORES = ['postgres', 'mongo', 'redis'] as const;
export type Store = (typeof STORES)[number];

export interface StoreLogin {
  /** The variable that the URL came from. */
  readonly name: string;
  readonly store: Store;
  /** As `storeUrl` spells it. */
  readonly url: string;
  /** A password that the driver takes from elsewhere when the URL has none. */
  readonly otherPassword?: { readonly name: string; readonly value: string } | undefined;
}

/**
 * What is wrong with how a process logs in to a store in production: a sentence that names the variable and never a value, or null.
 * @param insecure stores that may be without a password, since a certificate, a socket or a private network keeps others away. (A default password is refused there as well: who sets one trusts in it.)
 */
export function loginProblem(
  { name, store, url, otherPassword }: StoreLogin,
  insecure: readonly Store[],
): string | null {
  const { passwords, names } = partsOf(url);
  const another =
    'another password when APP_ENV is production: this one is a default, or among the first that anybody guesses.';
  if (passwords.some((password) => isGuessablePassword(password, names))) return `${name} must have ${another}`;
  if (passwords.length > 0) return null;
  if (otherPassword !== undefined)
    return isGuessablePassword(otherPassword.value, names) ? `${otherPassword.name} must be ${another}` : null;

  return insecure.includes(store)
    ? null
    : `${name} must have a password when APP_ENV is production, unless INSECURE_STORES names ${store}: only where a certificate, a socket or a private network keeps others away.`;
}

/** The passwords of a URL, from the place of its user and from its query, where PostgreSQL's and Redis's drivers look as well; and what a password must not be called after: its user, database and hosts. */
function partsOf(url: string): { readonly passwords: readonly string[]; readonly names: readonly string[] } {
  const [, user = '', password = '', hosts = '', path = '', query = ''] =
    /^[^/]*\/\/(?:([^:@/?]*)(?::([^@/?]*))?@)?([^/?]*)([^?]*)\??(.*)$/s.exec(url) ?? [];
  const parameters = new URLSearchParams(query);
  return {
    passwords: [decodeURIComponent(password), ...parameters.getAll('password')].filter((one) => one !== ''),
    names: [
      decodeURIComponent(user),
      ...parameters.getAll('user'),
      ...[hosts, path, ...parameters.getAll('host')].flatMap((one) => one.split(/[/.,:]/)),
    ],
  };
}
