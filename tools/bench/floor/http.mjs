/** An error that the floor answers with its status and code. */
export const problem = (statusCode, code) => Object.assign(new Error(code), { statusCode, code });
export const notFound = () => problem(404, 'conversation_not_found');

/** A text of 1 to `max` code points that every store keeps. */
export function isStored(value, min, max) {
  if (typeof value !== 'string' || !value.isWellFormed() || value.includes('\0')) return false;
  if (value.length >= min && value.length <= max) return true;
  const length = Array.from(value).length;
  return length >= min && length <= max;
}

/** A whole number of the query, or `otherwise` when it is not there. */
export function integer(value, otherwise, max) {
  if (value === undefined) return otherwise;
  if (!/^[0-9]+$/.test(value)) throw problem(422, 'validation_failed');
  return Math.min(Number(value), max);
}
