import { z } from 'zod';
import { httpUrl } from './setting-values.js';

/** Blanks, tabs and ends of lines around a value are pasted along with it, and mean nothing. (Only these: what `trim` takes besides may be a mistake that the operator has to see.) */
const pasted = z
  .string()
  .max(4_096, 'must have at most 4096 characters')
  .transform((value) => value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''));

/** A key, as a header carries it. */
export const key = pasted.refine(
  (value) => /^[\x21-\x7e]+$/.test(value),
  'must be ASCII characters without blanks between them, as they are in a header',
);

/** The name of a model, as JSON carries it: nothing invisible, no blank but the ordinary one. */
export const modelName = pasted.refine(
  (value) => /^(?:[^\s\p{C}]| )+$/u.test(value),
  'must be the name of a model, without control characters or invisible ones',
);

/** The name of a model, as a path carries it too: Gemini's stands there, and may begin with its collection (`models/`, `tunedModels/`). */
export const modelInPath = pasted.refine(
  (value) => /^[\w.:@~-]+(?:\/[\w.:@~-]+)*$/.test(value) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(value),
  'must be the name of a model: ASCII letters, digits and .:@~_- only, with / between them',
);

/** A URL that paths are written behind: the key goes in a header, and `fetch` refuses a user or password in the URL. */
export const baseUrl = pasted.pipe(httpUrl).refine(isPlain, 'must be a URL without user, password, ?, # and blanks');

/**
 * A proxy: `http://` or `https://` (`http://` unless it says), perhaps a user and a password, a host, perhaps a port. What is behind the port is refused: it is
 * most often a password with a character that has to be written as `%23` and the like.
 */
export const proxyUrl = pasted
  .transform((value) => (value.includes('://') ? value : `http://${value}`))
  .refine(
    isProxy,
    'must be the URL of an HTTP proxy, such as http://user:password@proxy.example:3128, special characters of user and password percent-encoded',
  );

/** Names, suffixes and addresses of servers, separated by commas or blanks. */
export const noProxyList = z
  .string()
  .max(16_384)
  .transform((value) => value.split(/[\s,]+/).filter((item) => item !== ''));

function isPlain(value: string): boolean {
  if (/[\s\p{C}?#]/u.test(value) || !URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  return username === '' && password === '' && !/^https?:\/\/[^/]*@/.test(value);
}

function isProxy(value: string): boolean {
  if (/[\s\p{C}?#]/u.test(value) || !URL.canParse(value)) return false;
  const { protocol, username, password, pathname, hostname } = new URL(value);
  const isWhole = hostname !== '' && pathname === '/';
  return isWhole && (protocol === 'http:' || protocol === 'https:') && [username, password].every(isDecodable);
}

function isDecodable(value: string): boolean {
  try {
    return decodeURIComponent(value).isWellFormed();
  } catch {
    return false;
  }
}
