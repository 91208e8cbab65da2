import { createConnection } from 'mongoose';
import { MESSAGES, messageSchema } from './message-documents.js';

/** Makes the collection of messages and its index in MongoDB; safe to repeat and by many at once. Belongs to the command `migrate`. @throws the driver's error after 5 s without a server */
export async function prepareMessages(url: string, database: string): Promise<void> {
  const connection = createConnection(url, {
    dbName: database,
    serverSelectionTimeoutMS: 5_000,
    autoIndex: false,
    autoCreate: false,
  });
  try {
    await connection.asPromise();
    await connection.model(MESSAGES, messageSchema).createIndexes();
  } finally {
    await connection.close();
  }
}
