import { Module, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConversationCheckModule, MessageBackupModule } from '@edgechat/conversations';
import { DatabaseModule } from '@edgechat/database';
import { OperatorModule } from '@edgechat/identity/operator';
import { pause, type ConversationId } from '@edgechat/kernel';
import { ConfigModule, type Config } from '@edgechat/platform/config';
import { Log, LoggingModule } from '@edgechat/platform/logging';
import { Mongo, MongoModule } from '@edgechat/platform/mongo';
import { Postgres } from '@edgechat/platform/postgres';
import { SearchRebuildModule } from '@edgechat/search';
import { say } from './progress.js';

const PATIENCE_MS = 60_000;

/** What a command was given besides its name. */
export interface Given {
  /** `--conversation` */
  readonly conversation: ConversationId | null;
  /** `--days`, 1 or more */
  readonly days: number | null;
  /** `--email`, as it was given */
  readonly email: string | null;
  /** `--json` */
  readonly asJson: boolean;
  /** `--yes` */
  readonly isSure: boolean;
  /** `--uses`, 1 or more */
  readonly uses: number | null;
  readonly operands: readonly string[];
}

/** The operator made a mistake, or something has to be put right first: one sentence, exit code 1. */
export class AdminError extends Error {}

/** What an operator should read, on stderr: stdout may be a dump. */
class StderrLog extends Log {
  private last = '';

  constructor() {
    super('admin', 'silent');
  }

  override warn(message: string, fields?: unknown): void {
    const error = typeof fields === 'object' && fields !== null && 'error' in fields ? fields.error : undefined;
    const sentence = `${message}${error instanceof Error ? `: ${error.message}` : ''}`;
    if (sentence !== this.last) say(sentence);
    this.last = sentence;
  }

  override error(message: string, fields?: unknown): void {
    this.warn(message, fields);
  }
}

@Module({})
class AdminModule {
  static for(config: Config, modules: readonly (Type | DynamicModule)[]): DynamicModule {
    const platform = [
      ConfigModule.for(config),
      LoggingModule.for(new StderrLog()),
      DatabaseModule.for('edgechat-admin'),
    ];
    return { module: AdminModule, imports: [...platform, ...modules] };
  }
}

type Work = (context: INestApplicationContext) => Promise<void>;

/** Runs `work` with the use cases of the commands for conversations, once PostgreSQL and MongoDB have answered. @throws AdminError when they do not within a minute */
export function withStores(config: Config, signal: AbortSignal, work: Work): Promise<void> {
  return within(
    AdminModule.for(config, [MongoModule.forRoot(), MessageBackupModule, ConversationCheckModule, SearchRebuildModule]),
    signal,
    [Postgres, Mongo],
    work,
  );
}

/** Runs `work` with the use cases of the commands for accounts, once PostgreSQL has answered. @throws AdminError when it does not within a minute */
export function withPostgres(config: Config, signal: AbortSignal, work: Work): Promise<void> {
  return within(AdminModule.for(config, [OperatorModule]), signal, [Postgres], work);
}

async function within(
  module: DynamicModule,
  signal: AbortSignal,
  stores: readonly (typeof Postgres | typeof Mongo)[],
  work: Work,
): Promise<void> {
  const context = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  try {
    for (const until = Date.now() + PATIENCE_MS; ; await pause(50, signal)) {
      signal.throwIfAborted();
      const missing = stores.find((store) => !context.get<Postgres | Mongo>(store, { strict: false }).hasStarted);
      if (!missing) break;
      if (Date.now() > until)
        throw new AdminError(
          missing === Mongo
            ? 'MongoDB (MONGODB_URL) cannot be reached.'
            : 'PostgreSQL (DATABASE_URL) cannot be reached, or has no schema yet: run the command migrate first.',
        );
    }
    await work(context);
  } finally {
    await context.close();
  }
}
