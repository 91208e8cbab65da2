import { routeConfig } from './route-config.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    bodyMaxBytes?: number;
  }
}

/** What the body of a call may have unless its route says otherwise. */
export const BODY_MAX_BYTES = 32 * 1_024;
/** For calls that name up to 1,000 accounts. */
export const KIB_64 = 64 * 1_024;
/** For calls that take 32,000 characters: as JSON escapes (`\ud83d\ude00`) they are 384,000 bytes. */
export const KIB_512 = 512 * 1_024;

/** Says how many bytes the body of a route may have, in place of `BODY_MAX_BYTES`. More is 413 `body_too_large`. */
export const BodyLimit = (bodyMaxBytes: typeof KIB_64 | typeof KIB_512): MethodDecorator =>
  routeConfig({ bodyMaxBytes });
