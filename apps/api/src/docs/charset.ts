import type { FastifyInstance, onSendHookHandler } from 'fastify';

/** Says of the pages of Swagger UI that their text is UTF-8: by themselves they say `text/html` alone, and a browser may guess. Call it before any route is registered. */
export function nameCharset(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (route.url === '/docs' || route.url.startsWith('/docs/')) route.onSend = sayUtf8;
  });
}

const sayUtf8: onSendHookHandler = (_request, reply, _payload, done) => {
  if (reply.getHeader('content-type') === 'text/html') reply.header('content-type', 'text/html; charset=utf-8');
  done();
};
