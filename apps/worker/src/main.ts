import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { NestFactory } from '@nestjs/core';
import { ConfigError, loadConfig, type Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { AppModule } from './app.module.js';
import { admin, ADMIN_USAGE } from './commands/admin.js';
import { migrateStores } from './commands/migrate.js';

const USAGE =
  'Usage: main.js            works until it is stopped\n       main.js migrate    brings the stores up to this release\n' +
  ADMIN_USAGE;

/** As `nice` counts: a third of the share of a process of the usual priority, when all want more than there is. */
const PRIORITY = 5;

const [command, ...args] = process.argv.slice(2);
const config = readConfig();
const log = new Log('worker', config.logLevel);

if (command === undefined) await work();
else if (command === 'migrate') await migrateStores(config, log);
else if (command === 'admin') await admin(config, args);
else fail(USAGE);

async function work(): Promise<void> {
  giveWay();
  const app = await NestFactory.createApplicationContext(AppModule.for(config, log), {
    logger: log,
    abortOnError: false,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => log.info('stopping', { signal }));
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  await app.init();
}

/**
 * Where API and worker share processors, the API goes first: somebody waits for each of its answers. Linux, where it groups processes by session (sched(7), autogroups), shares the processors
 * between the sessions and heeds priorities only within each: a worker that has a session of its own tells it that as well. What an operating system does not take is left out.
 */
function giveWay(): void {
  try {
    setPriority(PRIORITY);
    const [, session] = /\) \S \d+ \d+ (\d+) /.exec(readFileSync('/proc/self/stat', 'latin1')) ?? [];
    if (Number(session) === process.pid) writeFileSync('/proc/self/autogroup', String(PRIORITY));
  } catch (error) {
    log.debug('the operating system does not take a lower priority', { error });
  }
}

function readConfig(): Config {
  try {
    return loadConfig(process.env, command === 'migrate' ? 'migrate' : 'worker');
  } catch (error) {
    if (error instanceof ConfigError) fail(`${error.message}\n`);
    throw error;
  }
}

function fail(sentence: string): never {
  process.stderr.write(sentence);
  process.exit(1);
}
