import { Global, Module, type DynamicModule } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { Config } from '@edgechat/platform/config';
import { Log, Trouble } from '@edgechat/platform/logging';
import type { Connection, ConnectOptions } from 'mongoose';
import { DEADLINE_MS, Mongo, SLOW_DEADLINE_MS } from './mongo.js';
import { hintAbout, ownWords } from './own-words.js';

const RETRY_MS = 500;

/** What every connection is made with: acknowledged by a majority and journaled, read from the primary, nothing buffered, nothing waited for longer than a call may take (Mongo). */
const OPTIONS: ConnectOptions = {
  dbName: 'edgechat',
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
  retryWrites: true,
  maxPoolSize: 20,
  serverSelectionTimeoutMS: DEADLINE_MS,
  waitQueueTimeoutMS: SLOW_DEADLINE_MS,
  connectTimeoutMS: 2_000,
  socketTimeoutMS: 5_000,
  heartbeatFrequencyMS: 1_000,
  autoIndex: false,
  autoCreate: false,
  bufferCommands: false,
};

/** MongoDB for a process that starts before it: connects in the background, again and again; after the first connect the driver heals by itself. */
@Global()
@Module({})
export class MongoModule {
  static forRoot(): DynamicModule {
    const connection = MongooseModule.forRootAsync({
      inject: [Config, Log],
      useFactory: (config: Config, log: Log) => {
        const options: ConnectOptions = { ...OPTIONS, dbName: databaseOf(config.mongodbUrl) };
        return {
          ...options,
          uri: config.mongodbUrl,
          lazyConnection: true,
          connectionFactory: (made: Connection) => keepTrying(made, config.mongodbUrl, options, log),
        };
      },
    });
    return { module: MongoModule, imports: [connection], providers: [Mongo], exports: [Mongo] };
  }
}

/** The database that the URL names, else `edgechat`. */
export function databaseOf(url: string): string {
  const path = new URL(url.replace(/^mongodb(\+srv)?:\/\/([^/?]*)/, 'mongodb://host')).pathname.slice(1);
  return path === '' ? 'edgechat' : decodeURIComponent(path);
}

/** Without a handler of its own for the first failure, mongoose would end the process. */
function keepTrying(connection: Connection, url: string, options: ConnectOptions, log: Log): Connection {
  const trouble = new Trouble(log, 'MongoDB (MONGODB_URL) cannot be used yet');
  const again = (error: unknown): void => {
    trouble.has(ownWords(error), hintAbout(error));
    setTimeout(() => void connection.openUri(url, options).catch(again), RETRY_MS).unref();
  };
  connection.on('error', (error: unknown) => log.warn('the connection to MongoDB failed', { error }));
  connection.asPromise().catch(again);
  return connection;
}
