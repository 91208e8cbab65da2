import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ConfigError, loadConfig, type Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { AppModule } from './app.module.js';
import { admin, ADMIN_USAGE } from './commands/admin.js';
import { migrateStores } from './commands/migrate.js';

const USAGE =
  'Usage: main.js            works until it is stopped\n       main.js migrate    brings the stores up to this release\n' +
  ADMIN_USAGE;

const config = readConfig();
const log = new Log('worker', config.logLevel);
const [command, ...args] = process.argv.slice(2);

if (command === undefined) await work();
else if (command === 'migrate') await migrateStores(config, log);
else if (command === 'admin') await admin(config, args);
else fail(USAGE);

async function work(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule.for(config, log), {
    logger: log,
    abortOnError: false,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => log.info('stopping', { signal }));
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  await app.init();
}

function readConfig(): Config {
  try {
    return loadConfig(process.env, 'worker');
  } catch (error) {
    if (error instanceof ConfigError) fail(`${error.message}\n`);
    throw error;
  }
}

function fail(sentence: string): never {
  process.stderr.write(sentence);
  process.exit(1);
}
