import { isIP } from 'node:net';
import { z } from 'zod';
import { originsOf } from './origins.js';
import { STORES } from './store-logins.js';
import { storeUrl } from './store-url.js';

export const text = z.string().min(1).max(4_096);
export const tokenSecret = text.refine((value) => Buffer.byteLength(value) >= 32, 'must have 32 bytes or more');
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^[0-9]{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);
export const numberOrUnlimited = (min: number, max: number) =>
  z
    .string()
    .regex(/^(?:unlimited|[0-9]{1,15})$/, `must be a whole number from ${min} to ${max}, or unlimited`)
    .transform((value) => (value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value)))
    .refine(
      (value) => value === Number.POSITIVE_INFINITY || (value >= min && value <= max),
      `must be a whole number from ${min} to ${max}, or unlimited`,
    );
/** An amount that somebody may use: `0` means nobody may, `unlimited` (here: Infinity) that there is no limit. */
export const limit = (max: number) => numberOrUnlimited(0, max);
const url = (...schemes: string[]) =>
  z
    .string()
    .max(4_096)
    .refine(
      (value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value),
      `must be a URL that begins with ${schemes.join(':// or ')}://`,
    );
export const list = z
  .string()
  .max(16_384)
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
export const httpUrl = url('http', 'https').transform((value) => value.replace(/\/+$/, ''));

/** The URL of a store, as `storeUrl` spells it. */
export const urlOfStore = (...schemes: string[]) =>
  z
    .string()
    .max(4_096)
    .transform((value, context) => {
      const isOurs = schemes.some((scheme) => value.toLowerCase().startsWith(`${scheme}://`));
      const read = isOurs ? storeUrl(value, { hostsMax: schemes.includes('mongodb') ? 50 : 1 }) : null;
      if (read !== null) return read;
      const how = isOurs ? ', with a host, and with each @ / ? # of its password written %40 %2F %3F %23' : '';
      context.addIssue(`must be a URL that begins with ${schemes.join(':// or ')}://${how}`);
      return z.NEVER;
    });

/** A SQLAlchemy-style driver in the scheme (`postgresql+asyncpg://`) is dropped: the first backend's URLs keep working. */
export const databaseUrl = z
  .string()
  .transform((value) => value.replace(/^(postgres(?:ql)?)\+[a-z0-9]+:\/\//, '$1://'))
  .pipe(urlOfStore('postgresql', 'postgres'));

/** (With another end than a number the driver would ask for the database NaN, and end the process.) */
export const redisUrl = urlOfStore('redis', 'rediss').refine(
  (value) => /^[a-z]+:\/\/[^/?]*(?:\/[0-9]{0,5})?(?:\?.*)?$/.test(value),
  'must be a URL that begins with redis:// or rediss:// and ends with nothing or with the number of a database, such as /0',
);

/** Some of the stores, by their names. */
export const insecureStores = list.pipe(
  z.array(z.enum(STORES, `must be some of ${STORES.join(', ')}, comma-separated`)),
);

/** Origins as browsers send them, or `*`. (`null` is that of a sandboxed frame or a local file: any page can make one, and to let it in is to let in all.) */
export const origins = z
  .string()
  .max(16_384)
  .transform((value, context) => {
    const read = originsOf(value);
    if (read !== null && !read.includes('null')) return read;
    context.addIssue(
      read === null
        ? 'must be origins such as https://chat.example.com, comma-separated or a JSON list, or *'
        : 'must not have null: it is the origin of a sandboxed frame, which any page can have',
    );
    return z.NEVER;
  });

/** True for an IP address or a CIDR range that the parser behind `trustProxy` takes: it throws at some zones (`%eth-0`), and at `/0`, which would make everybody a proxy. */
export function isAddressRange(item: string): boolean {
  const [address = '', prefix, ...rest] = item.split('/');
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return (
    prefix === undefined ||
    (/^[0-9]{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (family === 4 ? 32 : 128))
  );
}
