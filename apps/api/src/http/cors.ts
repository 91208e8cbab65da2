import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const ALLOWED_HEADERS = 'Authorization, Content-Type, X-Request-ID, Idempotency-Key, Last-Event-ID, Prefer';
const EXPOSED_HEADERS =
  'X-Request-ID, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed, Preference-Applied';
/** Two hours: no browser keeps it longer. */
const PREFLIGHT_MAX_AGE_S = 7_200;

/**
 * Lets browsers of `origins` (or of any, `*`) read answers, errors included, and answers preflights, before anything is counted or looked up: who sends one is a browser that asks for somebody else.
 * Tokens travel in a header that a page sets itself, never in cookies, so credentials are not allowed.
 */
export function answerCors(fastify: FastifyInstance, origins: readonly string[]): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!openToOrigin(request, reply, origins)) done();
  });
}

/**
 * Lets a page of an allowed origin read this answer, and answers a preflight: true when it did, and nothing else is to be sent.
 * For answers given before any hook runs; `answerCors` does it for all others.
 */
export function openToOrigin(request: FastifyRequest, reply: FastifyReply, origins: readonly string[]): boolean {
  reply.headers(corsHeaders(request.headers.origin, origins));
  if (!isPreflight(request)) return false;
  answerPreflight(reply);
  return true;
}

/**
 * The headers that let a page of `origin` read an answer, if it is one of `origins`, to the letter; no page's, undefined, is none of them.
 * Where the answer depends on the origin, caches are told so.
 */
export function corsHeaders(origin: string | undefined, origins: readonly string[]): Record<string, string> {
  const isOpen = origins.includes('*');
  const isAllowed = origin !== undefined && (isOpen || origins.includes(origin));
  return {
    ...(isOpen ? {} : { vary: 'Origin' }),
    ...(isAllowed
      ? {
          'access-control-allow-origin': isOpen ? '*' : origin,
          'access-control-expose-headers': EXPOSED_HEADERS,
        }
      : {}),
  };
}

/** True for the question of a browser whether a page may make a call (Fetch standard, CORS-preflight). Any other OPTIONS is a call like all others. */
export function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}

function answerPreflight(reply: FastifyReply): void {
  reply
    .status(204)
    .headers({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': String(PREFLIGHT_MAX_AGE_S),
    })
    .send();
}
