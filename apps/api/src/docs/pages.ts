import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { Config } from '@edgechat/platform/config';
import type { FastifyInstance, FastifyRequest, onSendHookHandler, preHandlerHookHandler } from 'fastify';
import { CONTENT_POLICY } from '../http/content-policy.js';
import { routeNotFound } from '../http/problem.js';
import { ERRORS_PAGE_POLICY, errorsHtml } from './errors-page.js';
import { openApiDocument } from './openapi.js';

/** Swagger UI comes from this server, runs no inline script, and asks nobody else. */
const DOCS_POLICY = `${CONTENT_POLICY}; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'`;

/** What the page of Swagger UI loads; the page itself and its beginning are routes of their own. Nothing else of the package is served. */
const ASSETS: ReadonlySet<string> = new Set([
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'swagger-ui-standalone-preset.js',
  'favicon-16x16.png',
  'favicon-32x32.png',
]);
const ASSETS_ROUTE = '/docs/*';

/** A file is always given whole: what would be 412 or 416 is no answer that this API has. */
const CONDITIONS = ['range', 'if-range', 'if-match', 'if-unmodified-since'];

const isOfDocs = (url: string): boolean => url === '/docs' || url.startsWith('/docs/');
const isPage = (url: string): boolean => url === '/openapi.json' || url === '/errors' || isOfDocs(url);

/** Opens the pages to everybody: call it before any route is registered. */
export function openPages(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (isPage(route.url)) route.config = { ...route.config, access: 'public' };
    if (isOfDocs(route.url)) route.onSend = sayUtf8;
    if (route.url === ASSETS_ROUTE) route.preHandler = giveAssetsOnly;
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.url !== undefined && isPage(request.routeOptions.url))
      reply.headers({ 'content-security-policy': DOCS_POLICY, 'cache-control': 'no-cache' });
    done();
  });
}

/** The pages of Swagger UI say by themselves `text/html` alone, and a browser may guess. */
const sayUtf8: onSendHookHandler = (_request, reply, _payload, done) => {
  if (reply.getHeader('content-type') === 'text/html') reply.header('content-type', 'text/html; charset=utf-8');
  done();
};

/** Lets no path through to the file system but the names that are known. @throws Refusal `route_not_found` */
const giveAssetsOnly: preHandlerHookHandler = (request, _reply, done) => {
  if (!ASSETS.has(restOf(request))) return done(routeNotFound());
  for (const name of CONDITIONS) Reflect.deleteProperty(request.raw.headers, name);
  done();
};

function restOf({ params }: FastifyRequest): string {
  const rest: unknown = typeof params === 'object' && params !== null && '*' in params ? params['*'] : undefined;
  return typeof rest === 'string' ? rest : '';
}

/**
 * Serves the error codes as `/errors` and, unless `DOCS` is off, Swagger UI under `/docs` and the OpenAPI document as `/openapi.json`. The document is made when it is first asked for.
 */
export function servePages(app: NestFastifyApplication, { docs, appName }: Config): void {
  if (docs) serveDocs(app, appName);
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

function serveDocs(app: NestFastifyApplication, appName: string): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app, appName), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: appName,
    // Unset, Swagger UI would send the document's address to a validator on the internet.
    swaggerOptions: { validatorUrl: null },
  });
}
