import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBackupModule } from '@edgechat/conversations';
import { DatabaseModule } from '@edgechat/database';
import { pause } from '@edgechat/kernel';
import { ConfigModule, type Config } from '@edgechat/platform/config';
import { Log, LoggingModule } from '@edgechat/platform/logging';
import { Mongo, MongoModule } from '@edgechat/platform/mongo';
import { Postgres } from '@edgechat/platform/postgres';

const PATIENCE_MS = 60_000;

/** The operator made a mistake, or something has to be put right first: one sentence, exit code 1. */
export class AdminError extends Error {}

/** What an operator should read, on stderr: stdout may be a dump. */
class StderrLog extends Log {
  constructor() {
    super('admin', 'silent');
  }

  override warn(message: string, fields?: unknown): void {
    const error = typeof fields === 'object' && fields !== null && 'error' in fields ? fields.error : undefined;
    process.stderr.write(`${message}${error instanceof Error ? `: ${error.message}` : ''}\n`);
  }

  override error(message: string, fields?: unknown): void {
    this.warn(message, fields);
  }
}

@Module({})
class AdminModule {
  static for(config: Config): DynamicModule {
    const platform = [ConfigModule.for(config), LoggingModule.for(new StderrLog()), DatabaseModule.for('edgechat-admin'), MongoModule.forRoot()];
    return { module: AdminModule, imports: [...platform, MessageBackupModule] };
  }
}

/** Runs `work` with the use cases of backup and restore, once PostgreSQL and MongoDB have answered. @throws AdminError when they do not within a minute */
export async function withStores(config: Config, signal: AbortSignal, work: (context: INestApplicationContext) => Promise<void>): Promise<void> {
  const context = await NestFactory.createApplicationContext(AdminModule.for(config), { logger: false, abortOnError: false });
  try {
    await storesAnswer(context, signal);
    await work(context);
  } finally {
    await context.close();
  }
}

async function storesAnswer(context: INestApplicationContext, signal: AbortSignal): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  const postgres = context.get(Postgres, { strict: false });
  const mongo = context.get(Mongo, { strict: false });
  while (!postgres.hasStarted || !mongo.hasStarted) {
    signal.throwIfAborted();
    if (Date.now() > until) {
      throw new AdminError(postgres.hasStarted ? 'MongoDB (MONGODB_URL) cannot be reached.' : 'PostgreSQL (DATABASE_URL) cannot be reached, or has no schema yet: run the command migrate first.');
    }
    await pause(50, signal);
  }
}
