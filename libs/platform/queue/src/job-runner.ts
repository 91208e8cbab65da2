import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';
import {
  QUEUES,
  type AnyJob,
  type JobContract,
  type JobName,
  type JobNamed,
  type PayloadOf,
  type QueueName,
} from '@edgechat/contracts';
import { atMost, newId, reached, Unavailable, withDeadline } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log, workContext } from '@edgechat/platform/logging';
import { PREFIX } from '@edgechat/platform/redis';
import { DelayedError, UnrecoverableError, type Job, type Worker } from 'bullmq';
import { Redis as Client } from 'ioredis';
import { envelope, type Envelope } from './envelope.js';
import { PatientWorker } from './patient-worker.js';

/** Does the work of one job. `signal` aborts when the job's time is over or the process stops. */
export type Handler<Payload> = (payload: Payload, signal: AbortSignal) => Promise<void>;

/** What a handler throws to have its job again after so long: nothing was wrong with it, and no attempt is counted. It comes with `payload` then, if that is given. Meanwhile it holds nothing of this process. */
export class PutOff extends Error {
  constructor(
    readonly ms: number,
    readonly payload?: unknown,
  ) {
    super('put off');
  }
}

/** One handler for each job there is: a missing, a double or a foreign one does not compile. */
export type Handlers = { readonly [Name in JobName]: Handler<PayloadOf<JobNamed<Name>>> };

/** A job of a killed worker is taken by another after about this long. */
const LOCK_MS = 3_000;

/** Takes jobs from the queues and gives them to their handlers. */
@Injectable()
export class JobRunner {
  private readonly workers: Worker[] = [];
  private readonly ending = new AbortController();

  constructor(
    private readonly config: Config,
    private readonly log: Log,
  ) {
    // Each running job listens to it, and there are many; Node would warn of a leak from the eleventh on.
    setMaxListeners(0, this.ending.signal);
  }

  /** Begins to take jobs. Comes back by itself after any outage of Redis. */
  start(jobs: readonly AnyJob[], handlers: Handlers, concurrency: Readonly<Record<QueueName, number>>): void {
    for (const queue of QUEUES) this.workers.push(this.worker(queue, jobs, handlers, concurrency[queue]));
  }

  /** Takes no new job, tells the running ones to come to an end, and waits for them at most `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.ending.abort();
    await atMost(withinMs, Promise.all(this.workers.map((worker) => worker.close().catch(() => undefined))));
  }

  private worker(queue: QueueName, jobs: readonly AnyJob[], handlers: Handlers, concurrency: number): Worker {
    const connection = new Client(this.config.redisUrl, {
      maxRetriesPerRequest: null,
      disconnectTimeout: 100,
      retryStrategy: (times) => Math.min(times * 100, 1_000),
    });
    connection.on('error', (error) => this.log.debug('the connection of a queue failed', { queue, error }));
    const worker = new PatientWorker(queue, (job, token) => this.processOrPutOff(job, token, jobs, handlers), {
      connection,
      prefix: PREFIX,
      concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: 1_000,
      maxStalledCount: 1_000, // being killed is not the job's fault, however often it happens
      skipVersionCheck: true,
    });
    worker.on('error', (error) => this.log.debug('a queue reports', { queue, error }));
    // A store that is away fails many jobs; each is owed and comes again.
    worker.on('failed', (job, error) =>
      this.log[error instanceof Unavailable ? 'info' : 'warn']('a job failed', {
        job: job?.name,
        attempt: job?.attemptsMade,
        error,
      }),
    );
    worker.on('closed', () => connection.disconnect());
    return worker;
  }

  private async processOrPutOff(
    job: Job,
    token: string | undefined,
    jobs: readonly AnyJob[],
    handlers: Handlers,
  ): Promise<void> {
    try {
      await this.process(job, jobs, handlers);
    } catch (error) {
      if (!(error instanceof PutOff)) throw error;
      // (Who dies between the two has its job taken by another, with the payload.)
      if (error.payload !== undefined)
        await job.updateData({ ...envelope.parse(job.data), payload: error.payload } satisfies Envelope);
      await job.moveToDelayed(Date.now() + error.ms, token);
      throw new DelayedError();
    }
  }

  private async process(job: Job, jobs: readonly AnyJob[], handlers: Handlers): Promise<void> {
    const { contract, carried, payload } = readJob(job, jobs);
    const requestId = carried.requestId ?? newId();
    await workContext.run({ requestId }, async () => {
      // The table of handlers pairs each name with the payload of its contract, which `payload` has just been parsed by.
      const handle = handlers[contract.name] as Handler<unknown>;
      await withDeadline(contract.timeoutMs, this.ending.signal, (signal) => handle(payload, signal));
      reached('job.done');
      this.log.debug('job done', { job: contract.name });
    });
  }
}

/** Sorts what a queue holds. @throws UnrecoverableError (failed and kept, with the reason) for an unknown job or garbage; Unavailable (retried) for a job of a newer release. */
export function readJob(
  job: { readonly name: string; readonly data: unknown },
  jobs: readonly AnyJob[],
): { contract: AnyJob; carried: Envelope; payload: unknown } {
  const contract = jobs.find(({ name }) => name === job.name);
  if (!contract) throw new UnrecoverableError(`unknown job: ${job.name.slice(0, 100)}`);
  const carried = envelope.safeParse(job.data);
  if (!carried.success) throw new UnrecoverableError(`not a job of EdgeChat: ${reasonOf(carried.error)}`);
  if (carried.data.version > contract.version)
    throw new Unavailable('assistant', {
      detail: `This worker is too old for version ${carried.data.version} of ${job.name}.`,
    });
  const payload = (contract as JobContract).payload.safeParse(carried.data.payload);
  if (!payload.success) throw new UnrecoverableError(`bad payload: ${reasonOf(payload.error)}`);
  return { contract, carried: carried.data, payload: payload.data };
}

const reasonOf = (error: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): string =>
  error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    .join('; ');
