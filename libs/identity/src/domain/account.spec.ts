import { accountId } from '@edgechat/kernel';
import { displayNameOf, isAnothersDefaultName } from './account.js';

describe('the name of an account that has set none', () => {
  const own = accountId(7);

  it.each([
    'User 8',
    'user 8',
    'USER  8',
    'User\u00a08',
    'User8',
    'Ｕｓｅｒ ８',
    'User ٨',
    'Us\u200ber 8',
    'User 07',
    ' User 70 ',
    'User 8\u2800',
    'User\u28008',
    'User\ufff9 8',
  ])('may not be taken by another, as %j', (name) => expect(isAnothersDefaultName(name, own)).toBe(true));

  it.each(['User', 'User 8a', 'Super User 8', 'User seven', 'Users 8', displayNameOf(own, null), 'user 7'])(
    '%j is one’s own, or none',
    (name) => expect(isAnothersDefaultName(name, own)).toBe(false),
  );
});
