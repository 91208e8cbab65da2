/*
 * Reading JSON of which nothing is known. What is not there, or is of another type, is undefined or empty: nothing here
 * throws, and nothing here calls itself, so that no depth of nesting matters.
 */

/** The member of an object; undefined for what is no object or has no such member of its own. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** The first of several names that has a value other than null. */
export function firstMember(value: unknown, ...names: readonly string[]): unknown {
  return names.map((name) => member(value, name)).find((found) => found !== undefined && found !== null);
}

/** A list as it is, anything else as the only one of a list, nothing as an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/** A text as it is; empty for anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What is in lists of one element, which some providers put around a body. */
export function unwrapped(value: unknown): unknown {
  let inner = value;
  while (Array.isArray(inner) && inner.length === 1) inner = inner[0];
  return inner;
}

/** The value of a JSON text; undefined for what is none. */
export function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
