/** What may stand in the user and the password of a URL as it is; of all else a driver may make something else, or nothing. */
const NOT_PLAIN = /[^A-Za-z0-9\-._~!$&'()*+,;=%]/gu;

/** A name, an address, IPv6 in brackets; with a port or without. */
const HOST = /^(?:\[[0-9a-f:.%]+\]|[^\s:,@/?#[\]]+)(?::([0-9]{1,5}))?$/i;

/**
 * The URL of a store in the one spelling that all drivers read alike: in its user and password everything is percent-encoded that has a meaning elsewhere in a URL. What people paste
 * is not: a raw `@`, `#`, `/`, `?`, `:` or `%` of a password means itself here. Valid percent-escapes stay what they are.
 * @returns null when it cannot be told where the password ends, or when there is no host
 */
export function storeUrl(value: string, { hostsMax }: { readonly hostsMax: number }): string | null {
  const [, scheme = '', rest = ''] = /^([a-z0-9+]+:\/\/)(.*)$/is.exec(value) ?? [];
  const parts = scheme === '' || !rest.isWellFormed() ? null : split(rest);
  if (parts === null || parts.place.split(',').length > hostsMax) return null;
  const { user, place, after } = parts;
  const [name = '', ...words] = user?.split(':') ?? [];
  const credentials = user === null ? '' : `${encoded(name)}${words.length > 0 ? `:${encoded(words.join(':'))}` : ''}@`;
  return `${scheme.toLowerCase()}${credentials}${place}${escaped(after).replace(/ /g, '%20')}`;
}

interface Parts {
  readonly user: string | null;
  readonly place: string;
  /** Path and query. */
  readonly after: string;
}

/** The user ends at the last `@` before the path, as all drivers say. Only where that leaves no host, a `/` or `?` is the password's, and the user ends at the first `@` that a host follows. */
function split(rest: string): Parts | null {
  const [authority = ''] = /^[^/?]*/.exec(rest) ?? [];
  const usual = splitAt(rest, authority.lastIndexOf('@'));
  if (usual !== null) return isUnclear(usual) ? null : usual;
  for (let at = rest.indexOf('@', authority.length); at !== -1; at = rest.indexOf('@', at + 1)) {
    const parts = splitAt(rest, at);
    if (parts !== null) return isUnclear(parts) ? null : parts;
  }
  return null;
}

/** @param at where the `@` is, -1 for none */
function splitAt(rest: string, at: number): Parts | null {
  const [, place = '', after = ''] = /^([^/?]*)(.*)$/s.exec(rest.slice(at + 1)) ?? [];
  // PostgreSQL may be told its host in the query, and has a usual one.
  const isPlace = place === '' ? at === -1 || /[?&]host=/.test(after) : place.split(',').every(isHost);
  return isPlace ? { user: at === -1 ? null : rest.slice(0, at), place, after } : null;
}

const isHost = (host: string): boolean => {
  const found = HOST.exec(host);
  return found !== null && Number(found[1] ?? 0) <= 65_535;
};

/** True when a raw `@` or `#` comes later than the host, other than in the value of a parameter: it may be that the password goes on up to there. */
const isUnclear = ({ user, after }: Parts): boolean =>
  /[@#]/.test(user === null && after.startsWith('?') ? after : after.replace(/([?&][A-Za-z_]+)=[^&#]*/g, '$1'));

function encoded(part: string): string {
  return escaped(part).replace(NOT_PLAIN, encodeURIComponent);
}

/** The same with each `%` that begins no escape of UTF-8 written as `%25`. */
function escaped(part: string): string {
  return part.replace(/(?:%[0-9a-f]{2})+|%/gi, (found) => (isUtf8(found) ? found : found.replace(/%/g, '%25')));
}

function isUtf8(escapes: string): boolean {
  try {
    decodeURIComponent(escapes);
    return true;
  } catch {
    return false;
  }
}
