import { pause } from '@edgechat/kernel';
import { Worker, type Job } from 'bullmq';

const ASKS_AGAIN_MS = 1_000;

/** A worker of BullMQ that waits a second before it asks again a Redis that refused it a job (no memory, a replica). BullMQ's own asks again at once, and keeps a core of each side busy with it. */
export class PatientWorker extends Worker {
  protected override async moveToActive(token: string, name?: string): Promise<Job> {
    try {
      return await super.moveToActive(token, name);
    } catch (error) {
      if (this.closing === undefined) await pause(ASKS_AGAIN_MS);
      throw error;
    }
  }
}
