import { loadConfig } from '@edgechat/platform/config';
import { loginOf, ownerUrl, sharedWithOwner } from './logins.js';

const urlWith = (env: Readonly<Record<string, string>>): string =>
  ownerUrl(loadConfig({ DATABASE_URL: 'postgresql://app:a@h/d', ...env }, 'migrate'));

describe('the login of migrate', () => {
  it('is that of all where it has none of its own', () => {
    expect(urlWith({})).toBe('postgresql://app:a@h/d');
    expect(urlWith({ MIGRATE_PGPASSWORD: 'b' })).toBe('postgresql://app:a@h/d');
  });

  it('is its own, with the password that stands in the URL or beside it', () => {
    expect(urlWith({ MIGRATE_DATABASE_URL: 'postgresql://owner:b@h/d', MIGRATE_PGPASSWORD: 'c' })).toBe(
      'postgresql://owner:b@h/d',
    );
    const beside = urlWith({ MIGRATE_DATABASE_URL: 'postgresql://owner@h/d', MIGRATE_PGPASSWORD: "p@s/s:$&%'" });
    expect(loginOf(beside)).toEqual({ user: 'owner', password: "p@s/s:$&%'" });
  });
});

describe('the logins of migrate and of the processes', () => {
  const DATABASE_URL = 'postgresql://app:a@h/d';

  it.each([
    ['user', {}],
    ['user', { MIGRATE_DATABASE_URL: 'postgresql://app:b@other/d' }],
    ['password', { MIGRATE_DATABASE_URL: 'postgresql://owner:a@h/d' }],
    ['password', { MIGRATE_DATABASE_URL: 'postgresql://owner@h/d', MIGRATE_PGPASSWORD: 'a' }],
    [null, { MIGRATE_DATABASE_URL: 'postgresql://owner:b@h/d' }],
    [null, { MIGRATE_DATABASE_URL: 'postgresql://owner@h/d', DATABASE_URL: 'postgresql://app@h/d' }],
  ])('share: %p (%j)', (shared, env) => {
    expect(sharedWithOwner(loadConfig({ DATABASE_URL, ...env }, 'migrate'))).toBe(shared);
  });
});

describe('the login of a URL', () => {
  it.each([
    ['postgresql://me:p%40s@h/d', { user: 'me', password: 'p@s' }],
    ['postgresql://me@h/d', { user: 'me', password: null }],
    ['postgresql://h/d?user=me&password=p', { user: 'me', password: 'p' }],
  ])('is what the driver makes of it: %s', (url, login) => {
    expect(loginOf(url)).toEqual(login);
  });
});
