/** What is used here of a process's configuration; all of it is in libs/platform/config. */
export interface WorkerSettings {
  readonly appEnv: 'development' | 'production';
  readonly databaseUrl: string;
  readonly mongodbUrl: string;
  readonly redisUrl: string;
  /** How long a stopping process lets open work end. */
  readonly drainTimeoutMs: number;
  readonly aiProvider: 'gemini' | 'openai' | 'anthropic' | 'demo' | undefined;
  readonly aiDemoFallback: boolean;
  readonly geminiApiKey: string | undefined;
  readonly geminiModel: string;
  readonly openaiApiKey: string | undefined;
  readonly openaiBaseUrl: string | undefined;
  readonly openaiModel: string;
  readonly anthropicApiKey: string | undefined;
  readonly anthropicModel: string;
}

export interface Settings {
  readonly api: { readonly host: string; readonly docs: boolean };
  readonly worker: WorkerSettings;
}

/** See settings.mjs. */
export function readEnvironment(
  projectDir: string,
  env: NodeJS.ProcessEnv,
  warn?: (sentence: string) => void,
): NodeJS.ProcessEnv;
export function loadSettings(env: NodeJS.ProcessEnv): Promise<Settings>;
export function withOwnStores(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
export function isLoopback(host: string): boolean;
export function withUrlsOfStores(env: NodeJS.ProcessEnv, settings: WorkerSettings): NodeJS.ProcessEnv;
export function choosePorts(env: NodeJS.ProcessEnv): Promise<{ api: number; worker: number } | null>;
export function aiLine(settings: WorkerSettings): string;
