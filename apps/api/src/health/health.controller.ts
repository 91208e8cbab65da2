import { Controller, Get, HttpStatus, Res } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import { Config } from '@edgechat/platform/config';
import { Health } from '@edgechat/platform/health';
import type { FastifyReply } from 'fastify';
import { Answers } from '../docs/describe.js';
import { HealthCall, Public } from '../http/access.js';
import { Draining } from './draining.js';
import {
  AliveResponse,
  AppResponse,
  DatabaseResponse,
  MongoResponse,
  NoDatabaseResponse,
  NoMongoResponse,
  NotReadyResponse,
  NotStartedResponse,
  ReadyResponse,
} from './health.responses.js';

const OK = { status: 'ok' } as const;

/** Signs of life. They need no token, and are neither counted nor refused. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: Health,
    private readonly draining: Draining,
  ) {}

  /** The process is up; asks no store, so that a store that is away restarts nobody. */
  @ApiOperation({ summary: 'Whether the process is up' })
  @Get()
  @HealthCall()
  @Answers(200, AliveResponse, { example: OK, description: 'The process is up.' })
  alive(): AliveResponse {
    return OK;
  }

  /** For start and readiness probes, and proxies: 503 until all stores have answered once, and again when the process is stopping. */
  @ApiOperation({ summary: 'Whether the process takes work' })
  @Get('started')
  @HealthCall()
  @Answers(200, AliveResponse, { example: OK, description: 'The process was ready once and takes work.' })
  @Answers(503, NotStartedResponse, {
    example: notReady({}),
    description: 'The process has not been ready yet, or is stopping.',
  })
  started(@Res({ passthrough: true }) reply: FastifyReply): AliveResponse | NotStartedResponse {
    const isServing = this.health.isStarted && !this.draining.isDraining;
    return isServing ? OK : unwell(reply, {});
  }

  /** Tells people how the stores are. */
  @ApiOperation({ summary: 'Whether all stores answer' })
  @Get('ready')
  @HealthCall()
  @Answers(200, ReadyResponse, {
    example: { ...OK, checks: { database: 'connected', mongo: 'connected', redis: 'connected' } },
    description: 'All stores answer.',
  })
  @Answers(503, NotReadyResponse, {
    example: notReady({ checks: { database: 'connected', mongo: 'error', redis: 'connected' } }),
    description: 'A store does not answer.',
  })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyResponse | NotReadyResponse> {
    const checks = await this.health.checkAll();
    const isReady = Object.values(checks).every((check) => check === 'connected');
    return isReady ? { ...OK, checks } : unwell(reply, { checks });
  }

  @ApiOperation({ summary: 'Whether PostgreSQL answers' })
  @Get('db')
  @HealthCall()
  @Answers(200, DatabaseResponse, { example: { ...OK, database: 'connected' }, description: 'PostgreSQL answers.' })
  @Answers(503, NoDatabaseResponse, {
    example: notReady({ database: 'error' }),
    description: 'PostgreSQL does not answer.',
  })
  async database(@Res({ passthrough: true }) reply: FastifyReply): Promise<DatabaseResponse | NoDatabaseResponse> {
    const database = await this.health.check('database');
    return database === 'connected' ? { ...OK, database } : unwell(reply, { database });
  }

  @ApiOperation({ summary: 'Whether MongoDB answers' })
  @Get('mongo')
  @HealthCall()
  @Answers(200, MongoResponse, { example: { ...OK, mongo: 'connected' }, description: 'MongoDB answers.' })
  @Answers(503, NoMongoResponse, { example: notReady({ mongo: 'error' }), description: 'MongoDB does not answer.' })
  async mongo(@Res({ passthrough: true }) reply: FastifyReply): Promise<MongoResponse | NoMongoResponse> {
    const mongo = await this.health.check('mongo');
    return mongo === 'connected' ? { ...OK, mongo } : unwell(reply, { mongo });
  }
}

/** `GET /`: which application this is. */
@Controller()
export class RootController {
  constructor(private readonly config: Config) {}

  @ApiOperation({ summary: 'Which application this is' })
  @Get()
  @Public()
  @Answers(200, AppResponse, { example: { ...OK, app: 'EdgeChat' }, description: 'The name of the application.' })
  app(): AppResponse {
    return { ...OK, app: this.config.appName };
  }
}

/** Makes the answer a 503 with `Retry-After` and returns its body: what probes read, and the two fields that every error has. */
function unwell<Parts extends object>(reply: FastifyReply, parts: Parts): Parts & NotStartedResponse {
  reply.status(HttpStatus.SERVICE_UNAVAILABLE).header('retry-after', '1');
  return notReady(parts, reply.request.id);
}

function notReady<Parts extends object>(parts: Parts, requestId = 'b1d8c2f0-example'): Parts & NotStartedResponse {
  return { status: 'not ready', ...parts, detail: 'Not ready. Try again shortly.', request_id: requestId };
}
