import { isDeepStrictEqual } from 'node:util';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Module, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DatabaseModule, migrate } from '@edgechat/database';
import { ConfigModule, loadConfig, type Config } from '@edgechat/platform/config';
import { Health, HealthModule } from '@edgechat/platform/health';
import { Log, LoggingModule } from '@edgechat/platform/logging';
import { MongoModule } from '@edgechat/platform/mongo';
import { QueueModule } from '@edgechat/platform/queue';
import { RedisModule } from '@edgechat/platform/redis';
import { eventually } from './eventually.js';
import type { OwnStores } from './stores.js';

@Module({})
class ProcessModule {
  static for(config: Config, log: Log, modules: readonly Type[]): DynamicModule {
    const platform = [
      ConfigModule.for(config),
      LoggingModule.for(log),
      DatabaseModule.for('test'),
      MongoModule.forRoot(),
      RedisModule,
      QueueModule,
      HealthModule,
    ];
    return { module: ProcessModule, imports: [...platform, ...modules] };
  }
}

/** Feature modules as a process runs them, on migrated stores that have answered: `get` gives their use cases and queries. Close it in the end. */
export async function inProcess(
  stores: OwnStores,
  modules: readonly Type[],
  env: Readonly<Record<string, string>> = {},
): Promise<INestApplicationContext> {
  const config = configOfBoth({ ...stores.appEnv, LOG_LEVEL: 'error', STRANGERS_PER_DAY: 'unlimited', ...env });
  const log = new Log('test', 'silent');
  await migrate(config, log);
  const process = await NestFactory.createApplicationContext(ProcessModule.for(config, log, modules), {
    logger: false,
  });
  await eventually(() => process.get(Health, { strict: false }).isStarted);
  return process;
}

/** What any process reads of these variables: a test has one process, which migrates, and its modules may be of the API as well as of the worker. */
function configOfBoth(env: Readonly<Record<string, string>>): Config {
  const defaults = new Map(Object.entries(loadConfig({}, 'api')));
  const ofApi = Object.entries(loadConfig(env, 'api')).filter(
    ([name, value]) => !isDeepStrictEqual(value, defaults.get(name)),
  );
  return Object.freeze({ ...loadConfig(env, 'migrate'), ...Object.fromEntries(ofApi) });
}

/** What timers do, whatever runs then. */
const BY_TIMERS = [
  'postgres conversations.settle_stored',
  'postgres replies.renew',
  'postgres usage.add_daily_use',
  'postgres add-security-events',
  'postgres remove-old-security-events',
];

/** The round trips to each store that `work` makes, in order, such as `postgres conversations.send_messages`. Nothing else but timers may use the stores meanwhile. */
export async function storeCallsOf(work: () => Promise<unknown>): Promise<string[]> {
  const calls: string[] = [];
  const note = (message: unknown): void => {
    const { store, operation } = message as { store: string; operation: string };
    calls.push(`${store} ${operation}`);
  };
  subscribe('edgechat:store-call', note);
  try {
    await work();
    return calls.filter((call) => !BY_TIMERS.includes(call));
  } finally {
    unsubscribe('edgechat:store-call', note);
  }
}
