import { mongo } from 'mongoose';
import { z } from 'zod';
import { databaseOf } from './mongo.module.js';

/** What a user may do who may do no more than the processes need. */
export const APP_ROLE = 'edgechat_app';

/** (Without `createCollection` and `dropCollection`, which the built-in `readWrite` has. `killCursors` is for cursors of one's own.) */
const ACTIONS = ['find', 'insert', 'update', 'remove', 'killCursors'];

const TIMEOUTS = { serverSelectionTimeoutMS: 3_000, connectTimeoutMS: 2_000, socketTimeoutMS: 5_000, maxPoolSize: 1 };

/** A role or a user that was made between our question and our answer, by another `migrate`. */
const IS_THERE_ALREADY = new Set([51_002, 51_003]);
/** Unauthorized, CommandNotFound, AtlasError: users are made elsewhere, or by somebody else. */
const IS_NOT_ALLOWED = new Set([13, 59, 8_000]);

export interface AppUserWish {
  /** MIGRATE_MONGODB_URL: somebody who may make users and roles. */
  readonly ownerUrl: string;
  /** MONGODB_URL: names the user, the password, the database, and by `authSource` where the user is to be. */
  readonly appUrl: string;
  /** Those that the user may read and write. */
  readonly collections: readonly string[];
}

/** What became of a wish: `left`, when the users of both URLs are one or have no passwords; `forbidden`, when the owner may make no users. */
export type AppUserMade = 'made' | 'left' | 'forbidden';

/**
 * Makes the user that MONGODB_URL names, with its password and a role that may read and write documents of these collections, and nothing else. Safe to repeat, also by many at once.
 * @throws Error with a sentence for a user that has other roles; what the driver throws when the server is away or refuses the owner's login
 */
export async function makeAppUser({ ownerUrl, appUrl, collections }: AppUserWish): Promise<AppUserMade> {
  const app = loginOf(appUrl);
  const owner = loginOf(ownerUrl);
  if (app === null || owner === null || (app.user === owner.user && app.source === owner.source)) return 'left';

  const client = new mongo.MongoClient(ownerUrl, TIMEOUTS);
  try {
    await client.connect();
    const db = databaseOf(appUrl);
    await putRole(client.db(db), db, collections);
    await putUser(client.db(app.source), app, db);
    return 'made';
  } catch (error) {
    if (IS_NOT_ALLOWED.has(codeOf(error))) return 'forbidden';
    throw error;
  } finally {
    await client.close();
  }
}

/** Logs in as the processes do, and reads. @throws what the driver throws when they could not */
export async function tryAppLogin(appUrl: string, collection: string): Promise<void> {
  const client = new mongo.MongoClient(appUrl, TIMEOUTS);
  try {
    await client.connect();
    await client
      .db(databaseOf(appUrl))
      .collection(collection)
      .findOne({}, { projection: { _id: 1 } });
  } finally {
    await client.close();
  }
}

interface Login {
  readonly user: string;
  readonly password: string;
  /** The database that knows the user. */
  readonly source: string;
}

/** Null without a user, and for one who shows a certificate or the like. */
function loginOf(url: string): Login | null {
  const { credentials } = new mongo.MongoClient(url).options;
  if (credentials === undefined || credentials.username === '' || credentials.password === '') return null;
  return { user: credentials.username, password: credentials.password, source: credentials.source };
}

async function putRole(database: mongo.Db, db: string, collections: readonly string[]): Promise<void> {
  const wish = {
    privileges: collections.map((collection) => ({ resource: { db, collection }, actions: ACTIONS })),
    roles: [],
  };
  const { roles } = rolesInfo.parse(await database.command({ rolesInfo: APP_ROLE }));
  await put(roles.length > 0, (verb) => database.command({ [`${verb}Role`]: APP_ROLE, ...wish }));
}

async function putUser(source: mongo.Db, { user, password }: Login, db: string): Promise<void> {
  const { users } = usersInfo.parse(await source.command({ usersInfo: user }));
  const others = users.flatMap(({ roles }) => roles).filter((held) => held.role !== APP_ROLE || held.db !== db);
  if (others.length > 0)
    throw new Error(
      `MONGODB_URL names the user ${user}, who has other roles (${others.map((held) => held.role).join(', ')}), and MIGRATE_MONGODB_URL another: let MONGODB_URL name a user that migrate makes and that may only read and write messages, or leave MIGRATE_MONGODB_URL unset`,
    );
  const wish = { pwd: password, roles: [{ role: APP_ROLE, db }] };
  await put(users.length > 0, (verb) => source.command({ [`${verb}User`]: user, ...wish }));
}

async function put(isThere: boolean, command: (verb: 'create' | 'update') => Promise<unknown>): Promise<void> {
  try {
    await command(isThere ? 'update' : 'create');
  } catch (error) {
    if (isThere || !IS_THERE_ALREADY.has(codeOf(error))) throw error;
    await command('update');
  }
}

const rolesInfo = z.object({ roles: z.array(z.unknown()) });
const usersInfo = z.object({
  users: z.array(z.object({ roles: z.array(z.object({ role: z.string(), db: z.string() })) })),
});

const codeOf = (error: unknown): number => (error instanceof mongo.MongoServerError ? Number(error.code) : 0);
