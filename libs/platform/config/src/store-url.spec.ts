import { storeUrl } from './store-url.js';

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
  ])('stays as it is where all read it alike: %s', (value, read) => expect(storeUrl(value)).toBe(read));

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
      const read = storeUrl(`postgresql://user:${password}@${place}`) ?? '';
      const [, user, word, rest] = /^postgresql:\/\/([^:]*):([^@]*)@(.*)$/.exec(read) ?? [];
      expect([user, decodeURIComponent(word ?? ''), rest]).toEqual(['user', password, place]);
      expect(word).toMatch(/^[\w\-.~!$&'()*+,;=%]*$/);
    }
  });
});
