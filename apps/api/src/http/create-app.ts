import { RequestMethod, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Refusal } from '@edgechat/kernel';
import type { Config } from '@edgechat/platform/config';
import type { Log } from '@edgechat/platform/logging';
import type { FastifyInstance } from 'fastify';
import { openPages, servePages } from '../docs/pages.js';
import type { Draining } from '../health/draining.js';
import { guardAccess, type AccessParts } from './access.js';
import { answerCors, isPreflight } from './cors.js';
import { ProblemFilter } from './problem.filter.js';
import { refuseBrokenQueries } from './query-encoding.js';
import { RouteTable } from './route-table.js';
import { SharedAddresses } from './shared-addresses.js';
import { createAdapter } from './server.js';

export interface EdgeParts extends Omit<AccessParts, 'routes' | 'sharedAddresses'> {
  readonly draining: Pick<Draining, 'isDraining'>;
}

/**
 * The application with its whole HTTP edge, not yet listening. Each request passes, in this order: its id, CORS, the encoding of its query, the stop of the
 * process, access and limits (of a refresh token when the body was read), the body, validation, the controller; whatever is thrown on the way becomes a problem document.
 */
export async function createApp(
  module: DynamicModule | Type,
  config: Config,
  log: Log,
  partsOf: (app: NestFastifyApplication) => EdgeParts,
): Promise<NestFastifyApplication> {
  const adapter = createAdapter(config, log);
  const fastify: FastifyInstance = adapter.getInstance();
  const routes = RouteTable.of(fastify);
  openPages(fastify);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: log,
    abortOnError: false,
  });

  const parts = partsOf(app);
  logAnswers(fastify, log);
  answerCors(fastify, config.corsOrigins);
  refuseBrokenQueries(fastify);
  refuseWhileDraining(fastify, parts.draining);
  guardAccess(fastify, { ...parts, routes, sharedAddresses: new SharedAddresses(config, log) });
  app.setGlobalPrefix('api/v1', { exclude: [{ path: '/', method: RequestMethod.GET }] });
  app.useGlobalFilters(new ProblemFilter(log));
  servePages(app, config);
  return app;
}

/** A request that comes on an open connection after the stop began goes to another replica; answers end their connections. */
function refuseWhileDraining(fastify: FastifyInstance, draining: EdgeParts['draining']): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!draining.isDraining || request.routeOptions.config.access === 'health') return done();
    done(new Refusal('service_unavailable', 'This server is stopping. Send the request again.', { retryAfterS: 1 }));
  });
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (draining.isDraining) reply.header('connection', 'close');
    done();
  });
}

/** One line per answer, with the route's pattern instead of the URL, which may hold what a person typed. */
function logAnswers(fastify: FastifyInstance, log: Log): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const isRoutine =
      (request.routeOptions.config.access === 'health' && reply.statusCode < 400) || isPreflight(request);
    const line = {
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      account: request.caller?.accountId,
      requestId: request.id,
    };
    if (isRoutine) log.debug('answered', line);
    else log.info('answered', line);
    done();
  });
}
