import { createConnection, type Connection } from 'mongoose';
import { z } from 'zod';
import { MESSAGES, messageSchema } from './message-documents.js';

/** Makes the collection of messages and its index in MongoDB; safe to repeat and by many at once. Belongs to the command `migrate`. @throws the driver's error after 3 s without a server; Error with a sentence for a MongoDB older than 6 */
export async function prepareMessages(url: string, database: string): Promise<void> {
  const connection = createConnection(url, {
    dbName: database,
    serverSelectionTimeoutMS: 3_000,
    connectTimeoutMS: 2_000,
    autoIndex: false,
    autoCreate: false,
  });
  try {
    await connection.asPromise();
    await refuseOldServer(connection);
    await connection.model(MESSAGES, messageSchema).createIndexes();
  } finally {
    await connection.close();
  }
}

const VERSION_MIN = 6;
const buildInfo = z.object({ version: z.string() });

async function refuseOldServer(connection: Connection): Promise<void> {
  const { data } = buildInfo.safeParse(await connection.db?.command({ buildInfo: 1 }));
  if (data !== undefined && Number.parseInt(data.version, 10) < VERSION_MIN)
    throw new Error(`MongoDB ${data.version} is too old: ${VERSION_MIN} or newer is needed`);
}
