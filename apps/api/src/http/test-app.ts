import { Controller, Delete, Get, Module, Param, Post } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import type { Caller } from '@edgechat/identity';
import {
  Refusal,
  Unavailable,
  accountId,
  newSessionId,
  sessionId,
  type AccountId,
  type SessionId,
} from '@edgechat/kernel';
import { ConfigModule, loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Answers, AnswersNothing, Refuses, RefusesWith } from '../docs/describe.js';
import { CountedOnRefreshToken, CurrentCaller, HealthCall, Public } from './access.js';
import { BodyLimit, KIB_512 } from './body-limit.js';
import { createApp } from './create-app.js';
import type { Allowance } from './rate-limit.js';
import { IsStoredText, QueryInteger, RequestBody, RequestQuery } from './validation.js';

export class EchoBody {
  @IsStoredText(1, 10, { example: 'hello' }) content!: string;
  @IsOptional() @IsStoredText(1, 3, { required: false, example: 'abc' }) title?: string;
}

export class RefreshBody {
  @IsStoredText(0, 100, { example: 'token' }) refresh_token!: string;
}

export class EchoQuery {
  @QueryInteger({ min: 1, max: 100, below: 'clamp' }) limit = 20;
  @QueryInteger({ min: 0, max: Number.MAX_SAFE_INTEGER, below: 'clamp' }) skip = 0;
  @QueryInteger({ min: 0, max: Number.MAX_SAFE_INTEGER, below: 'refuse' }) after_seq?: number;
}

export class Echo {
  @ApiProperty({ example: 'hello' }) content!: string;
}

@Controller('echo')
class EchoController {
  @Post()
  @Public()
  @Answers(201, Echo, { example: { content: 'hello' }, description: 'What was sent.' })
  @Refuses('conversation_not_found')
  @RefusesWith({ user_message: { content: 'hello' } }, 'ai_failed')
  echo(@RequestBody() body: EchoBody): EchoBody {
    return body;
  }

  /** Says two things of its route, and both hold. */
  @Post('long')
  @Public()
  @BodyLimit(KIB_512)
  @AnswersNothing(204, 'It was taken.')
  long(@RequestBody() _body: EchoBody): void {}

  @Post('refresh')
  @Public()
  @CountedOnRefreshToken()
  @AnswersNothing(204, 'It was taken.')
  refresh(@RequestBody() _body: RefreshBody): void {}

  @Get()
  @Public()
  query(@RequestQuery() query: EchoQuery): EchoQuery {
    return query;
  }

  @Get('me')
  me(@CurrentCaller() caller: Caller): { account: number } {
    return { account: caller.accountId };
  }

  @Get('alive')
  @HealthCall()
  alive(): { status: string } {
    return { status: 'ok' };
  }

  @Get('throws/:what')
  @Public()
  throws(@Param('what') what: string): never {
    if (what === 'busy')
      throw new Unavailable('mongo', { retryAfterS: 7, members: { user_message: { content: 'kept' } } });
    if (what === 'refused') throw new Refusal('conversation_not_found', 'Conversation not found');
    throw new TypeError('a secret in a bug');
  }

  @Delete(':id')
  @AnswersNothing(204, 'Gone.')
  remove(): void {}
}

/** The edge around a few small calls, with an authenticator that takes `good-<account>` and a limiter that is told what to answer. */
export async function aTestApp({
  env = {},
  allowance = { isExceeded: false, remaining: 99, resetS: 60 },
}: { env?: Record<string, string>; allowance?: Allowance | null } = {}): Promise<TestApp> {
  const config = loadConfig(env, 'api');
  @Module({ imports: [ConfigModule.for(config)], controllers: [EchoController] })
  class TestModule {}
  const counted: string[] = [];
  const metered: AccountId[] = [];
  const draining = { isDraining: false };
  const rateLimit = {
    policy: '"default";q=100;w=60',
    count: (key: string, newAt: string | null = null) => (
      counted.push(newAt === null ? key : `${key} new at ${newAt}`),
      Promise.resolve(allowance)
    ),
    countRefresh: (session: SessionId, at: string) => (
      counted.push(`session:${session} at ${at}`),
      Promise.resolve(allowance)
    ),
  };
  const log = new Log('test', 'error');
  const logged: unknown[] = [];
  log.error = (message, fields) => void logged.push({ message, fields });
  const answered: string[] = [];
  for (const level of ['debug', 'info'] as const)
    log[level] = (message, fields) => void (message === 'answered' && answered.push(`${level} ${routeIn(fields)}`));
  const app = await createApp(TestModule, config, log, () => ({
    authenticator: { known, authenticate, sessionOf },
    meter: { count: (id) => void metered.push(id) },
    rateLimit,
    draining,
  }));
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return { app, counted, metered, draining, logged, answered };
}

export interface TestApp {
  readonly app: NestFastifyApplication;
  /** The keys that requests were counted on. */
  readonly counted: readonly string[];
  readonly metered: readonly AccountId[];
  readonly draining: { isDraining: boolean };
  readonly logged: readonly unknown[];
  /** The lines about answers, as level, method and status. */
  readonly answered: readonly string[];
}

function routeIn(fields: unknown): string {
  const { method, status } = Object(fields);
  return `${method} ${status}`;
}

/** Of tokens that were read before: `known-<account>`. */
function known(token: string): Caller | null {
  const account = /^known-([0-9]+)$/.exec(token)?.[1];
  return account === undefined ? null : aCaller(account, null);
}

/** `good-<account>`, and `new-<account>-<days>` for one that was registered so many days ago. */
function authenticate(token: string): Promise<Caller> {
  const [, account, , days] = /^(?:good|new)-([0-9]+)(-([0-9.]+))?$/.exec(token) ?? [];
  if (token === 'stale') return Promise.reject(new Unavailable('postgres'));
  if (account === undefined)
    return Promise.reject(new Refusal('unauthorized', 'The access token is malformed or expired.'));
  return Promise.resolve(
    aCaller(account, days === undefined ? null : Math.floor(Date.now() / 1_000 - Number(days) * 86_400)),
  );
}

const aCaller = (account: string, registeredAtS: number | null): Caller => ({
  accountId: accountId(Number(account)),
  sessionId: newSessionId(),
  registeredAtS,
});

/** Of refresh tokens that are ours: `ours-<session>`. */
const sessionOf = (token: string): Promise<SessionId | null> =>
  Promise.resolve(token.startsWith('ours-') ? sessionId(token.slice(5)) : null);
