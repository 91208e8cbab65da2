import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { answerJobsAtOnce } from '@edgechat/assistant/worker';
import { JOBS } from '@edgechat/contracts';
import { pause } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Health } from '@edgechat/platform/health';
import { Log } from '@edgechat/platform/logging';
import { JobRunner } from '@edgechat/platform/queue';
import { handlersOf, UseCases } from './handlers.js';
import { Relay } from './relay.js';

const STARTED_YET_EVERY_MS = 50;

/** Takes jobs from the moment that all stores have answered once, while the process lives. */
@Injectable()
export class Work implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly ending = new AbortController();

  constructor(
    private readonly runner: JobRunner,
    private readonly relay: Relay,
    private readonly useCases: UseCases,
    private readonly health: Health,
    private readonly config: Config,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    void this.startOnceStoresAreThere();
  }

  /** Before the stores are let go: running answers are given back through them. */
  async beforeApplicationShutdown(): Promise<void> {
    this.ending.abort();
    await Promise.all([this.relay.stop(), this.runner.stop(this.config.drainTimeoutMs)]);
  }

  private async startOnceStoresAreThere(): Promise<void> {
    while (!this.health.isStarted) {
      await pause(STARTED_YET_EVERY_MS, this.ending.signal);
      if (this.ending.signal.aborted) return;
    }
    // Each delivery holds a connection to PostgreSQL while it runs: half of the pool is left for the rest.
    const deliveries = Math.max(1, Math.floor(this.config.databasePoolMax / 2));
    this.runner.start(Object.values(JOBS), handlersOf(this.useCases), {
      deliveries,
      replies: answerJobsAtOnce(this.config.aiConcurrency),
      purges: 1,
    });
    this.relay.start();
    this.log.info('the worker takes jobs');
  }
}
