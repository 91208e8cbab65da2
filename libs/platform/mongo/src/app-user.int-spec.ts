import { randomBytes } from 'node:crypto';
import { mongo } from 'mongoose';
import { APP_ROLE, makeAppUser, tryAppLogin, type AppUserMade } from './app-user.js';

const PASSWORD = 'p@ss wörd/1';
let server: string;
let db: string;
let client: mongo.MongoClient;
beforeEach(async () => {
  const { TEST_MONGODB_URL: url = '' } = process.env;
  server = new URL(url).host;
  db = `test_${randomBytes(6).toString('hex')}`;
  client = await new mongo.MongoClient(`mongodb://${server}`).connect();
  await client.db(db).command({ createUser: 'owner', pwd: PASSWORD, roles: ['dbOwner'] });
  await client.db(db).collection('messages').insertOne({ seq: 1 });
});
afterEach(async () => {
  await client.db(db).command({ dropAllUsersFromDatabase: 1 });
  await client.db(db).command({ dropAllRolesFromDatabase: 1 });
  await client.db(db).dropDatabase();
  await client.close();
});

const urlOf = (user: string, password = PASSWORD): string =>
  `mongodb://${user}:${encodeURIComponent(password)}@${server}/${db}`;
const make = (appUrl: string, ownerUrl = urlOf('owner')): Promise<AppUserMade> =>
  makeAppUser({ ownerUrl, appUrl, collections: ['messages'] });

describe('the user that the processes log in as', () => {
  it('is made with one role, which may read and write documents of the messages and nothing else', async () => {
    expect(await make(urlOf('app'))).toBe('made');
    await tryAppLogin(urlOf('app'), 'messages');

    const { users } = await client.db(db).command({ usersInfo: 'app' });
    expect(users).toMatchObject([{ user: 'app', db, roles: [{ role: APP_ROLE, db }] }]);
    const { roles } = await client.db(db).command({ rolesInfo: APP_ROLE, showPrivileges: true });
    expect(roles).toMatchObject([
      {
        role: APP_ROLE,
        roles: [],
        privileges: [
          { resource: { db, collection: 'messages' }, actions: ['find', 'insert', 'update', 'remove', 'killCursors'] },
        ],
      },
    ]);
  });

  it('may be made again, and by many at once; its password follows the URL', async () => {
    expect(await Promise.all([make(urlOf('app')), make(urlOf('app')), make(urlOf('app'))])).toEqual(
      Array(3).fill('made'),
    );
    await client.db(db).command({
      updateRole: APP_ROLE,
      privileges: [{ resource: { db, collection: '' }, actions: ['dropCollection'] }],
    });

    await make(urlOf('app', 'another'));

    await tryAppLogin(urlOf('app', 'another'), 'messages');
    await expect(tryAppLogin(urlOf('app'), 'messages')).rejects.toThrow(/auth/i);
    const { roles } = await client.db(db).command({ rolesInfo: APP_ROLE, showPrivileges: true });
    expect(JSON.stringify(roles)).not.toContain('dropCollection');
  });

  it('is made where `authSource` says', async () => {
    const source = `${db}_users`;
    await make(`${urlOf('app')}?authSource=${source}`);
    const { users } = await client.db(source).command({ usersInfo: 'app' });
    expect(users).toMatchObject([{ db: source, roles: [{ role: APP_ROLE, db }] }]);
    await client.db(source).command({ dropAllUsersFromDatabase: 1 });
  });

  it('is refused with a sentence when it has other roles, which it keeps', async () => {
    await client.db(db).command({ createUser: 'mighty', pwd: PASSWORD, roles: ['dbOwner'] });
    await expect(make(urlOf('mighty'))).rejects.toThrow(
      'MONGODB_URL names the user mighty, who has other roles (dbOwner)',
    );
    const { users } = await client.db(db).command({ usersInfo: 'mighty' });
    expect(users).toMatchObject([{ roles: [{ role: 'dbOwner' }] }]);
  });

  it('is left alone where both URLs name one user, or one of them none', async () => {
    expect(await make(urlOf('owner'))).toBe('left');
    expect(await make(`mongodb://${server}/${db}`)).toBe('left');
    expect(await make(urlOf('app'), `mongodb://${server}/${db}`)).toBe('left');
    expect((await client.db(db).command({ rolesInfo: 1 }))['roles']).toEqual([]);
  });
});
