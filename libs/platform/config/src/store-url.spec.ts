import { ConfigError, loadConfig } from './config.js';
import { storeUrl } from './store-url.js';

const problemsOf = (env: Readonly<Record<string, string>>): readonly string[] => {
  try {
    loadConfig(env, 'api');
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)];
  }
};

describe('the URL of a store', () => {
  it.each([
    ['postgresql://u:p@h:5432/d?sslmode=require', 'postgresql://u:p@h:5432/d?sslmode=require'],
    ['mongodb://a:1,b:2,[::1]:3/edgechat?replicaSet=rs', 'mongodb://a:1,b:2,[::1]:3/edgechat?replicaSet=rs'],
    ['mongodb+srv://u:p@cluster.example/d', 'mongodb+srv://u:p@cluster.example/d'],
    ['redis://127.0.0.1:6379/0', 'redis://127.0.0.1:6379/0'],
    ['redis:///1', 'redis:///1'],
    ['REDIS://h', 'redis://h'],
    ['postgresql:///d?host=/run/postgresql', 'postgresql:///d?host=/run/postgresql'],
    ['postgresql://u:p@/d?host=/run', 'postgresql://u:p@/d?host=/run'],
    ['postgresql://h/d?user=me&password=p@ss', 'postgresql://h/d?user=me&password=p@ss'],
    ['postgresql://u:a%40b+c!@h/d', 'postgresql://u:a%40b+c!@h/d'],
    ['mongodb://%2Ftmp%2Fmongodb.sock/d', 'mongodb://%2Ftmp%2Fmongodb.sock/d'],
  ])('stays as it is where all read it alike: %s', (value, read) =>
    expect(storeUrl(value, { hostsMax: 3 })).toBe(read),
  );

  it.each([
    'p@ss',
    'p#ss',
    'p%ss',
    '100%',
    '%zz',
    '%ff',
    'a@b#c%d',
    'p:ss',
    'p/ss',
    'p?ss',
    '#@%',
    'p ss',
    'p\\ss',
    'pä€😀',
    'a[b]c',
    '@',
    '//',
    'p@x#y/z',
  ])('takes the password %s as it is, with which every driver logs in then', (password) => {
    for (const place of ['h:5432/d?x=a', 'h/d', 'h', '[::1]:1', 'a:1,b:2/d']) {
      const read = storeUrl(`postgresql://user:${password}@${place}`, { hostsMax: 2 }) ?? '';
      const [, user, word, rest] = /^postgresql:\/\/([^:]*):([^@]*)@(.*)$/.exec(read) ?? [];
      expect([user, decodeURIComponent(word ?? ''), rest]).toEqual(['user', password, place]);
      expect(word).toMatch(/^[\w\-.~!$&'()*+,;=%]*$/);
    }
  });

  it.each(['DATABASE_URL', 'MONGODB_URL', 'REDIS_URL'])('says nothing of what may be a password in %s', (name) => {
    const scheme = { DATABASE_URL: 'postgresql', MONGODB_URL: 'mongodb', REDIS_URL: 'redis' }[name] ?? '';
    const bad = [
      ':s3cr-7f3a',
      'u:s3cr@7f3a/w@rd@h/d',
      'u:12/7f3a@h/d',
      'h:99999999',
      'h:65536',
      'u:12?7f3a=x@h',
      'h/d#7f3a',
      'a b',
    ];
    for (const value of bad) {
      const told = problemsOf({ [name]: `${scheme}://${value}` });
      expect(told).toEqual([expect.stringMatching(`^${name} must be a URL that begins with ${scheme}`)]);
      expect(told.join()).not.toMatch(/7f3a|s3cr/);
    }
  });

  it.each(['redis://h/abc', 'redis://h/0/1', 'rediss://h/-1', 'redis://a,b/0'])(
    'of Redis ends with a number: %s',
    (value) => {
      expect(problemsOf({ REDIS_URL: value })).toEqual([expect.stringMatching(/^REDIS_URL must be a URL/)]);
    },
  );
});
