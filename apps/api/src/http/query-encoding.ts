import { Refusal } from '@edgechat/kernel';
import type { FastifyInstance } from 'fastify';

/** What is left of a URL once it came as it must: ASCII without blanks. Everything else is percent-encoded. */
const URL_CHARACTERS = /^[\x21-\x7e]*$/;

/**
 * Refuses a query that is not UTF-8 in percent-encoding, in a name or in a value, known or not: before anything is counted, looked up or done, as a broken path is.
 * Whoever decodes it would have to guess, and search for another text than was meant.
 */
export function refuseBrokenQueries(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (isEncoded(queryOf(request.raw.url ?? ''))) return done();
    done(
      new Refusal(
        'malformed_request',
        'The query is not valid percent-encoded UTF-8. Encode names and values (in JavaScript: encodeURIComponent) and send it again.',
      ),
    );
  });
}

/** The query as the router sees it: all that stands behind the first `?` or `#`. Empty when there is none. */
function queryOf(url: string): string {
  const start = url.search(/[?#]/);
  return start === -1 ? '' : url.slice(start + 1);
}

/** True for percent-encoded UTF-8. What separates names and values is ASCII, so that it ends a character wherever it stands: the whole is right when each part is. */
export function isEncoded(query: string): boolean {
  if (!URL_CHARACTERS.test(query)) return false;
  if (!query.includes('%')) return true;
  try {
    decodeURIComponent(query);
    return true;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}
