import { z } from 'zod';

/** What a job carries in Redis around its payload. */
export const envelope = z.object({
  version: z.int().positive(),
  requestId: z.string().max(128).nullable(),
  payload: z.unknown(),
});
export type Envelope = z.infer<typeof envelope>;
