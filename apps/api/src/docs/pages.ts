import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { ERRORS_PAGE_POLICY, errorsHtml } from './errors-page.js';
import { openApiDocument } from './openapi.js';

/** Swagger UI comes from this server, runs no inline script, and asks nobody else. */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'";

const isPage = (url: string): boolean =>
  url === '/openapi.json' || url === '/errors' || url === '/docs' || url.startsWith('/docs/');

/** Opens the pages to everybody: call it before any route is registered. */
export function openPages(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (isPage(route.url)) route.config = { ...route.config, access: 'public' };
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.url !== undefined && isPage(request.routeOptions.url))
      reply.headers({ 'content-security-policy': DOCS_POLICY, 'cache-control': 'no-cache' });
    done();
  });
}

/** Serves Swagger UI under `/docs`, the OpenAPI document as `/openapi.json`, and the error codes as `/errors`. The document is made when it is first asked for. */
export function servePages(app: NestFastifyApplication, appName: string): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app, appName), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: appName,
    // Unset, Swagger UI would send the document's address to a validator on the internet.
    swaggerOptions: { validatorUrl: null },
  });
  const page = errorsHtml();
  app
    .getHttpAdapter()
    .getInstance()
    .get('/errors', (_request, reply) =>
      reply
        .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': ERRORS_PAGE_POLICY })
        .send(page),
    );
}
