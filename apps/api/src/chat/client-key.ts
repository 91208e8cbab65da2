import type { FastifyRequest } from 'fastify';
import { invalid } from '../http/validation.js';

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/** The key of the header `Idempotency-Key`, or null without one. @throws Refusal `validation_failed` */
export function keyOfHeader(request: FastifyRequest): string | null {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return null;
  if (typeof given !== 'string' || !PRINTABLE.test(given))
    throw invalid('Idempotency-Key', 'bad_key', 'must be 1 to 255 printable ASCII characters');
  return given;
}

/** The client key of a send: from the header, the body, or both if they agree. @throws Refusal `validation_failed` */
export function clientKey(request: FastifyRequest, clientId: string | null): string | null {
  const header = keyOfHeader(request);
  if (header !== null && clientId !== null && header !== clientId)
    throw invalid(
      'client_id',
      'differs_from_header',
      'must be the same as the header Idempotency-Key, or one of the two left out',
    );
  return header ?? clientId;
}
