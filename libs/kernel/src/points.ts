import { channel } from 'node:diagnostics_channel';

/** The named places at which the path of a message and the life of an answer can be cut; tests kill a process there. */
export type FailPoint =
  'send.committed' | 'send.stored' | 'send.rung' | 'reply.answered' | 'reply.appended' | 'reply.failed' | 'job.done';

const points = channel('edgechat:point');
const storeCalls = channel('edgechat:store-call');

/** Tells who listens that this place was reached. In production nobody does, and it costs one comparison. */
export function reached(point: FailPoint): void {
  if (points.hasSubscribers) points.publish(point);
}

/** Tells who listens that one round trip to a store begins, so that the cost of a call can be counted instead of timed. */
export function storeCalled(store: 'postgres' | 'mongo' | 'redis', operation: string): void {
  if (storeCalls.hasSubscribers) storeCalls.publish({ store, operation });
}
