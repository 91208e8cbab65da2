import type { FastifyRequest } from 'fastify';

/**
 * True when a request asks for the result in the answer: `Prefer: return=representation` (RFC 7240). Of several `return`s the first counts, the case of names does not;
 * what cannot be read is a preference that is not known, and ignored.
 */
export function prefersRepresentation({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const first = [headers['prefer'] ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((preference) => preference.split(';', 1).join('').split('='))
    .find(([name = '']) => name.trim().toLowerCase() === 'return');
  return first !== undefined && /^(?:representation|"representation")$/.test(first.slice(1).join('=').trim());
}
