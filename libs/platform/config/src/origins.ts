/**
 * A list of origins, comma-separated or as JSON (`["https://a.example"]`, which the first backend read), each in the spelling in which browsers send it: without a slash at its end,
 * without the usual port of its scheme, in small letters. `*` is any.
 * @returns null when something in it is no origin
 */
export function originsOf(value: string): readonly string[] | null {
  const items = itemsOf(value.trim());
  const found = items?.filter((item) => item !== '').map(originOf) ?? [null];
  return found.every((origin) => origin !== null) ? [...new Set(found)] : null;
}

function itemsOf(value: string): readonly string[] | null {
  if (!value.startsWith('[')) return value.split(',').map((item) => item.trim());
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === 'string')
      ? parsed.map((item) => item.trim())
      : null;
  } catch {
    return null;
  }
}

/** (`*` is no part of a host: a pattern would be compared with what browsers send, and never match.) */
function originOf(item: string): string | null {
  if (item === '*' || item === 'null') return item;
  const [, scheme = '', host = ''] = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#@*\\\s"'<>]+)\/?$/i.exec(item) ?? [];
  if (host === '' || !URL.canParse(item)) return null;
  const { origin, host: spelled } = new URL(item);
  // A scheme of an app (`capacitor://localhost`) has no origin for the URL standard; its browser sends scheme and host.
  return origin === 'null' ? `${scheme.toLowerCase()}${spelled.toLowerCase()}` : origin;
}
