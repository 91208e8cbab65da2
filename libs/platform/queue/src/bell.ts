import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { QUEUES, reactions, type AnyJob, type Happening, type JobContract, type QueueName } from '@edgechat/contracts';
import { PREFIX, Redis } from '@edgechat/platform/redis';
import { Queue, type BulkJobOptions } from 'bullmq';
import type { Envelope } from './envelope.js';

/** Failed jobs are kept so that people can see why: at most 1,000, 7 days. */
const KEEP_FAILED = { count: 1_000, age: 7 * 24 * 3_600 };

/** One job to be done for a request, or for none. */
export interface Ring {
  readonly job: AnyJob;
  readonly payload: unknown;
  readonly requestId: string | null;
}

interface NewJob {
  readonly name: string;
  readonly data: Envelope;
  readonly opts: BulkJobOptions;
}

/** Tells the workers that there is work. Losing a ring delays work that is owed, and loses none. */
@Injectable()
export class Bell implements OnApplicationShutdown {
  private readonly queues = new Map<QueueName, Queue>();

  constructor(private readonly redis: Redis) {}

  /**
   * Rings for what follows from these happenings, with one round trip per queue. Rings of the same conversation coalesce.
   * @throws Unavailable `redis`
   */
  async ring(happenings: readonly Happening[]): Promise<void> {
    await this.add(
      happenings.flatMap(({ event, payload, requestId }) =>
        reactions[event].map((job) => ({ job, payload, requestId })),
      ),
    );
  }

  /** Rings for these jobs. @throws Unavailable `redis` */
  async add(rings: readonly Ring[]): Promise<void> {
    await Promise.all(
      QUEUES.map((queue) =>
        this.addTo(
          queue,
          rings.filter(({ job }) => job.queue === queue),
        ),
      ),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close().catch(() => undefined)));
  }

  private async addTo(name: QueueName, rings: readonly Ring[]): Promise<void> {
    if (rings.length === 0) return;

    const jobs = new Map<string, NewJob>();
    for (const ring of rings) {
      const made = newJob(ring.job, ring);
      jobs.set(made.opts.deduplication?.id ?? String(jobs.size), made);
    }
    await this.redis.run('bell', () => this.queue(name).addBulk([...jobs.values()]));
  }

  private queue(name: QueueName): Queue {
    const known = this.queues.get(name);
    if (known) return known;
    const queue = new Queue(name, { connection: this.redis.client, prefix: PREFIX, skipVersionCheck: true });
    queue.on('error', () => undefined); // each call reports its own failure
    this.queues.set(name, queue);
    return queue;
  }
}

function newJob(job: JobContract, { payload, requestId }: Ring): NewJob {
  const valid = job.payload.parse(payload);
  const key = job.coalesceBy?.(valid);
  return {
    name: job.name,
    data: { version: job.version, requestId, payload: valid },
    opts: {
      attempts: job.attempts,
      backoff: { type: 'exponential', delay: job.backoffMs },
      removeOnComplete: true,
      removeOnFail: job.keepsFailed ? KEEP_FAILED : true,
      ...(key === undefined ? {} : { deduplication: { id: `${job.name}:${key}`, keepLastIfActive: true } }),
    },
  };
}
