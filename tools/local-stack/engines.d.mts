/** The engines under the apps. */
export type Kind = 'postgres' | 'mongo' | 'redis';

export interface EngineOptions {
  /** The folder under which each kind keeps its data (`<dataDir>/<kind>`), or a temporary one. */
  readonly dataDir: string;
  /** Where packages are unpacked and shared by all starts; the project's `.data/engines` when left out. */
  readonly cacheDir?: string;
  /** The port of 127.0.0.1; one that is free when left out. */
  readonly port?: number;
  /** Read for the URLs and the PATH; `process.env` when left out. */
  readonly env?: NodeJS.ProcessEnv;
  /** Whether DATABASE_URL, MONGODB_URL and REDIS_URL count. Default: no. */
  readonly allowUrls?: boolean;
  /** Whether Docker may serve. Default: no. */
  readonly allowDocker?: boolean;
  /** The data folder is thrown away afterwards: making a cluster need not wait for the disk. The server itself stays durable. */
  readonly temporary?: boolean;
  /** A watcher process ends the engines when this process is gone, even by SIGKILL. For tests; `npm start` has run.json. */
  readonly guard?: boolean;
  /** Only these links of the chain, by name; for tests of the chain. */
  readonly links?: readonly string[];
  /** A user that Redis is to have besides its default one: name and rules, as in its configuration. */
  readonly redisUser?: string;
  /** Hears what is tried. */
  readonly say?: (line: string) => void;
  /** Ends the start; nothing is left running. */
  readonly signal?: AbortSignal;
}

export interface Engine {
  readonly kind: Kind;
  readonly url: string;
  readonly port: number;
  /** For people: which engine it is, its version, where it is from. */
  readonly describe: string;
  /** Of the server (PostgreSQL: the postmaster); null when it is not running or not ours. */
  readonly pid: number | null;
  /** Settles when the process of the last start ended. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** The end of its log. */
  output(): string;
  /** After a colon what it wrote in the 5 s before now, without what it wrote while it started; often nothing. */
  lastWords(): string;
  /** Ends it cleanly, SIGKILL after 15 s. Safe to repeat. */
  stop(): Promise<void>;
  /** SIGKILL for the server and all its processes. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; nothing when it runs. */
  restart(): Promise<void>;
  /** SIGSTOP for the server and all its processes (of PostgreSQL too, where the postmaster alone would change nothing). */
  hang(): void;
  /** SIGCONT after `hang()`. */
  resume(): void;
}

export interface Engines {
  readonly postgres: Engine;
  readonly mongo: Engine;
  readonly redis: Engine;
  /** What the apps need of them. */
  readonly env: { readonly DATABASE_URL: string; readonly MONGODB_URL: string; readonly REDIS_URL: string };
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export function startEngine(kind: Kind, options: EngineOptions): Promise<Engine>;
export function startEngines(
  options: EngineOptions & { readonly ports?: Partial<Record<Kind, number>> },
): Promise<Engines>;
export function freePort(): Promise<number>;
export function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
