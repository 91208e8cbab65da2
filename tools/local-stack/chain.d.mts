import type { Kind } from './engines.d.mts';
import type { Launched } from './processes.mjs';

/** What a start of one engine goes by. */
export interface Context {
  readonly kind: Kind;
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  readonly temporary: boolean;
  /** Hears what takes long. */
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
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
