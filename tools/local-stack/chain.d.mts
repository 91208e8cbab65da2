import type { Kind } from './engines.d.mts';
import type { Launched } from './processes.mjs';

/** What a start of one engine goes by. */
export interface Context {
  readonly kind: Kind;
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  readonly temporary: boolean;
  /** A user that Redis is to have besides its default one: name and rules, as in its configuration. */
  readonly redisUser?: string;
  /** Hears what takes long. */
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Whether what failed within a day, when a later link gave the engine, is passed over. */
  readonly remembersFailures: boolean;
  /** What could not be built: where that is remembered, and why. */
  readonly failures: Map<string, string>;
}

/** What a look at an engine shows: it serves; it answers but is still loading; or nobody answers. */
export type Look = 'ready' | 'loading' | 'silent';

/** Who can read the data: the same engine, of the same major version, at the same place. */
export interface Identity {
  readonly engine: string;
  readonly major: number;
  readonly where: 'process' | 'docker';
}

/** A server that was found and can be started. */
export interface Candidate extends Identity {
  readonly describe: string;
  /** Makes the data folder fit for a first start; nothing when it is. */
  readonly prepare: (context: Context, folder: string) => Promise<void>;
  readonly start: (context: Context, folder: string, port: number, logFile: string) => Promise<Launched>;
  /** Builds the server anew if it does not run (any more); called when it did not start. False: it runs, so the cause is another one. */
  readonly renew?: (context: Context) => Promise<boolean>;
  readonly look: (port: number) => Promise<Look>;
  readonly url: (port: number) => string;
}

/** One way to come by an engine; throws Failure with the reason when it is not to be had this way. */
export interface Link {
  readonly name: string;
  /** Known before looking, where it is always the same: spares a download when the data is another's. */
  readonly engine?: string;
  readonly find: (context: Context) => Promise<Candidate[]>;
}
