const PATTERN = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;
const MINUTE_MS = 60_000;

/**
 * The instant of an RFC 3339 date-time, or null for what is none. Of a finer one the next millisecond: what happened at or after it happened at or after that, since everything here happens at whole ones.
 * A leap second is the second after it.
 */
export function parseInstant(given: string): Date | null {
  const match = PATTERN.exec(given);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  if (
    year === undefined ||
    month === undefined ||
    day === undefined ||
    hour === undefined ||
    minute === undefined ||
    second === undefined
  )
    return null;
  const [fraction = '', sign, offsetHours = 0, offsetMinutes = 0] = [
    match[7],
    match[8],
    Number(match[9] ?? 0),
    Number(match[10] ?? 0),
  ];
  if (hour > 23 || minute > 59 || second > 60 || offsetHours > 23 || offsetMinutes > 59) return null;

  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // (Date.UTC takes the year 26 for 1926.)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const offsetMs = (offsetHours * 60 + offsetMinutes) * MINUTE_MS * (sign === '-' ? -1 : 1);
  return new Date(
    date.getTime() + (hour * 60 + minute) * MINUTE_MS + second * 1_000 + millisecondsOf(fraction) - offsetMs,
  );
}

function millisecondsOf(fraction: string): number {
  const isFiner = /[1-9]/.test(fraction.slice(3));
  return Number(fraction.slice(0, 3).padEnd(3, '0')) + (isFiner ? 1 : 0);
}
