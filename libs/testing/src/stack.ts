import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../../tools/local-stack/engines.mjs';
import { AppProcess, type AppEnv } from './app-process.js';
import { Client } from './client.js';
import { startProviderServer, type ProviderServer } from './provider-server.js';
import { ownEngines, ownStores, type OwnEngines, type OwnStores } from './stores.js';

const ROOT = join(import.meta.dirname, '../../..');

export interface StackOptions {
  readonly apis?: number;
  readonly workers?: number;
  /** Variables of all processes. */
  readonly env?: AppEnv;
}

/** The whole system under test: API and worker processes on stores of the test's own, and an AI provider that does what a question's marks say. */
export class Stack<Stores extends OwnStores = OwnStores> {
  readonly apis: AppProcess[] = [];
  readonly workers: AppProcess[] = [];
  private readonly urls: string[] = [];

  constructor(
    readonly stores: Stores,
    readonly provider: ProviderServer,
    private readonly env: AppEnv,
  ) {}

  /** A client of one of the APIs, without an account. */
  client(api = 0): Client {
    return new Client(this.url(api));
  }

  url(api: number): string {
    const url = this.urls[api];
    if (url === undefined) throw new Error(`there is no API ${api}`);
    return url;
  }

  /** As the owner, for a test's own statements. */
  get databaseUrl(): string {
    return this.stores.env.DATABASE_URL;
  }

  /** A further API or worker, not yet started. */
  async add(app: 'api' | 'worker'): Promise<AppProcess> {
    const port = String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    const process =
      app === 'api'
        ? new AppProcess('api', { ...this.env, PORT: port, HOST: '127.0.0.1' }, `${url}/api/v1/health`)
        : new AppProcess('worker', { ...this.env, WORKER_HEALTH_PORT: port }, `${url}/health`);
    if (app === 'api') this.urls.push(url);
    (app === 'api' ? this.apis : this.workers).push(process);
    return process;
  }

  async close(): Promise<void> {
    await Promise.all([...this.apis, ...this.workers].map((process) => process.stop('SIGKILL')));
    await this.provider.stop();
    await this.stores.close();
  }
}

/** Starts the system on a database of its own and a Redis of its own; PostgreSQL and MongoDB are those of the run. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  return start(await ownStores(), options);
}

/** Starts the system on engines of its own, to be hung, killed and restarted. */
export async function startFragileStack(options: StackOptions = {}): Promise<Stack<OwnEngines>> {
  return start(await ownEngines(), options);
}

async function start<Stores extends OwnStores>(
  stores: Stores,
  { apis = 1, workers = 1, env = {} }: StackOptions,
): Promise<Stack<Stores>> {
  const provider = await startProviderServer();
  const { MIGRATE_DATABASE_URL, ...appEnv } = stores.appEnv;
  const all = {
    ...appEnv,
    AI_PROVIDER: 'openai',
    OPENAI_BASE_URL: provider.baseUrls.openai,
    RATE_LIMIT_REQUESTS: '1000000',
    REGISTRATIONS_PER_HOUR: 'unlimited',
    REGISTRATIONS_PER_DAY: 'unlimited',
    TEXT_MB_PER_DAY: 'unlimited',
    STRANGERS_PER_DAY: 'unlimited',
    ...env,
  };
  const stack = new Stack(stores, provider, all);
  try {
    await promisify(execFile)(process.execPath, [join(ROOT, 'dist/apps/worker/main.js'), 'migrate'], {
      env: { PATH: process.env['PATH'], ...all, MIGRATE_DATABASE_URL } as NodeJS.ProcessEnv,
    });
    for (let i = 0; i < apis; i += 1) await stack.add('api');
    for (let i = 0; i < workers; i += 1) await stack.add('worker');
    await Promise.all([...stack.apis, ...stack.workers].map((process) => process.start()));
    return stack;
  } catch (error) {
    await stack.close();
    throw error;
  }
}
