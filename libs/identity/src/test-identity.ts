import { createHash, randomBytes } from 'node:crypto';
import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DatabaseModule, migrate } from '@edgechat/database';
import { ConfigModule, loadConfig, type Config } from '@edgechat/platform/config';
import { Log, LoggingModule } from '@edgechat/platform/logging';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { Redis, RedisModule } from '@edgechat/platform/redis';
import { ownDatabase } from '@edgechat/testing';
import { parseEmail, type Email } from './domain/email.js';
import { IdentityModule } from './identity.module.js';

/** A database of a test's own, migrated; the variables of processes that use it. */
export interface TestDatabase {
  readonly env: Readonly<Record<string, string | undefined>>;
  drop(): Promise<void>;
}

/** Makes and migrates a database of the test's own. For tests. */
export async function aDatabase(env: NodeJS.ProcessEnv): Promise<TestDatabase> {
  const { url, drop } = await ownDatabase(env);
  const own = {
    DATABASE_URL: url,
    REDIS_URL: env['TEST_REDIS_URL'],
    REGISTRATIONS_PER_HOUR: 'unlimited',
    REGISTRATIONS_PER_DAY: 'unlimited',
    LOG_LEVEL: 'error',
  };
  await migrate(loadConfig(own, 'api'), new Log('test', 'error'));
  return { env: own, drop };
}

/** One replica: everything of identity as the API runs it, without HTTP, once its stores are reached (Redis too, unless it is `away`). For tests. */
export async function aReplica(
  env: TestDatabase['env'],
  redisIs: 'there' | 'away' = 'there',
): Promise<INestApplicationContext> {
  const config = loadConfig(env, 'api');
  const replica = await NestFactory.createApplicationContext(
    ReplicaModule.for(config, new Log('test', config.logLevel)),
    { logger: false },
  );
  const postgres = replica.get(Postgres, { strict: false });
  const redis = replica.get(Redis, { strict: false });
  while (!postgres.hasStarted || (redisIs === 'there' && !redis.hasStarted))
    await new Promise((resolve) => setTimeout(resolve, 10));
  return replica;
}

@Module({})
class ReplicaModule {
  static for(config: Config, log: Log): DynamicModule {
    const imports = [
      ConfigModule.for(config),
      LoggingModule.for(log),
      DatabaseModule.for('test'),
      RedisModule,
      IdentityModule,
    ];
    return { module: ReplicaModule, imports };
  }
}

/** Runs SQL of a test on the replica's database. */
export function sqlOf(
  replica: INestApplicationContext,
): <Row extends object>(text: string, ...values: unknown[]) => Promise<Row[]> {
  const postgres = replica.get(Postgres, { strict: false });
  return (text, ...values) => postgres.query(statementOf(text), values);
}

const statementOf = (text: string): Statement => ({
  name: `test ${createHash('md5').update(text).digest('hex')}`,
  text,
});

/** An address nobody else has. */
export function anEmail(name = 'ada'): Email {
  const email = parseEmail(`${name}.${randomBytes(6).toString('hex')}@example.com`);
  if (email === null) throw new Error(`no address can be made of ${name}`);
  return email;
}
