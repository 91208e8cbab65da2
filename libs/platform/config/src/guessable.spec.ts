import fc from 'fast-check';
import { isGuessablePassword, isGuessableSecret } from './guessable.js';

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2_147_483_647);

/** What people write where a secret has to be 32 bytes long. */
const GUESSABLE = [
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '00000000000000000000000000000000',
  '................................',
  'abababababababababababababababab',
  'abcabcabcabcabcabcabcabcabcabcabc',
  '12345678901234567890123456789012',
  '01234567890123456789012345678901',
  '0123456789abcdef0123456789abcdef',
  '0123456789abcdefghijklmnopqrstuvwxyz',
  'abcdefghijklmnopqrstuvwxyzABCDEF',
  'abcdefghijklmnopqrstuvwxyz0123456789',
  'zyxwvutsrqponmlkjihgfedcba987654',
  'fedcba9876543210fedcba9876543210',
  'aabbccddeeffgghhiijjkkllmmnnoopp',
  '00112233445566778899aabbccddeeff',
  '11223344556677889900112233445566',
  'qwertyuiopasdfghjklzxcvbnm123456',
  'qwertyuiop1234567890asdfghjkl123',
  '1q2w3e4r5t6y7u8i9o0p1q2w3e4r5t6y',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9',
  'qazwsxedcrfvtgbyhnujmikolp123456',
  'changemechangemechangemechangeme',
  'change-me-change-me-change-me-change-me',
  'CHANGE_ME_TO_A_LONG_RANDOM_STRING',
  'change-this-to-a-secure-random-string',
  'changeme-in-production-please-32-bytes',
  'please-change-this-secret-in-production',
  'replace-me-with-32-random-bytes-or-more',
  'replace_with_a_long_random_secret_value',
  'your-256-bit-secret-your-256-bit-secret',
  'your-super-secret-jwt-key-change-this',
  'your_jwt_secret_key_here_must_be_long',
  'your-secret-key-must-be-at-least-32-characters',
  'this-is-a-very-long-secret-key-for-jwt',
  'thisisaverylongsecretkeythatissecure',
  'this is not a secure secret, only a test',
  'supersecretsupersecretsupersecret',
  'super-secret-key-super-secret-key-1',
  'secretsecretsecretsecretsecretsecret',
  'secret1secret2secret3secret4secret5',
  'mysecretkeymysecretkeymysecretkey',
  'my-secret-jwt-token-signing-key-2024',
  'jwt-secret-for-development-only-do-not-use',
  'development-secret-do-not-use-in-production',
  'dev-secret-dev-secret-dev-secret-dev',
  'test-secret-test-secret-test-secret',
  'local-development-jwt-secret-00000000',
  'insecure-secret-key-for-local-testing',
  'example-secret-with-at-least-32-bytes',
  'example.example.example.example.example',
  'passwordpasswordpasswordpassword',
  'password123password123password123',
  'Password1234567890!Password1234567890!',
  'p@ssw0rdp@ssw0rdp@ssw0rdp@ssw0rd',
  'adminadminadminadminadminadminadmin',
  'edgechatedgechatedgechatedgechat',
  'edgechat-backend-jwt-secret-edgechat',
  'postgres-mongo-redis-postgres-mongo',
  'xxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx',
  'foobarfoobarfoobarfoobarfoobarfoobar',
  'hello-world-hello-world-hello-world',
  'loremipsumdolorsitametloremipsumdolor',
  'correct horse battery staple correct horse',
  'the quick brown fox jumps over the lazy dog',
  'deadbeefdeadbeefdeadbeefdeadbeef',
  'cafebabedeadbeefcafebabedeadbeef',
  '00000000-0000-0000-0000-000000000000',
  '11111111-1111-1111-1111-111111111111',
  '12345678-1234-1234-1234-123456789012',
  'üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü',
  'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1',
  'abcd1234abcd1234abcd1234abcd1234',
  'key-0001-key-0002-key-0003-key-0004',
  'secret-secret-SECRET-Secret-secret!',
  '0101010101010101010101010101010101',
];

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((all) => Buffer.from(all));
const letters = (alphabet: string, length: number) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: length, maxLength: length }).map((all) => all.join(''));

/** Random secrets as programs write them, none with less than 128 bits. */
const RANDOM = {
  'hex digits of 16 bytes': bytes(16).map((all) => all.toString('hex')),
  'hex digits of 32 bytes, in capitals': bytes(32).map((all) => all.toString('hex').toUpperCase()),
  'base64 of 24 bytes': bytes(24).map((all) => all.toString('base64')),
  'base64 of 32 bytes': bytes(32).map((all) => all.toString('base64')),
  'base64url of 32 bytes': bytes(32).map((all) => all.toString('base64url')),
  'base32 of 20 bytes': letters('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 32),
  'a UUID': fc.uuid({ version: 4 }),
  'what can be typed': letters(String.fromCharCode(...Array.from({ length: 94 }, (_, i) => 33 + i)), 32),
  'small letters': letters('abcdefghijklmnopqrstuvwxyz', 32),
};

describe('a secret', () => {
  it.each(GUESSABLE)('can be guessed: %s', (secret) => {
    expect(isGuessableSecret(secret)).toBe(true);
    expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32);
  });

  it.each(Object.entries(RANDOM))(`of random %s cannot be guessed (seed ${SEED})`, (_, secrets) => {
    // Without a bias: fast-check's own would try many zeros, which are no random bytes.
    const options = { seed: SEED, numRuns: 500, unbiased: true };
    fc.assert(
      fc.property(fc.noBias(secrets), (secret) => !isGuessableSecret(secret)),
      options,
    );
  });

  it.each([
    'anvil cobalt dusk mirror orbit',
    'horse violet lamp oxygen mortal pebble',
    'Straßenbahn-Kürbis-Zwiebel-Fernrohr',
    'тополь зеркало гвоздь вечер рыбак',
    '9f86d081884c7d659a2feaa0c55ad015',
    'dGhpcyBpcyBub3QgcmFuZG9tIGJ1dCBsb29rcyBzbw==',
  ])('cannot be guessed: %s', (secret) => expect(isGuessableSecret(secret)).toBe(false));

  it.each(['', '.', 'a', '\ud800', '(((((', '[a-z]+$', '\\'.repeat(40)])('may be any text: %j', (secret) => {
    expect(isGuessableSecret(secret)).toBe(true);
  });
});

describe('a password of a store', () => {
  it.each([
    'edgechat',
    'EdgeChat1!',
    'postgres',
    'mongodb1',
    'redis-password',
    'password',
    'Passw0rd!',
    'p@ssw0rd123',
    'changeme',
    'change-me-1',
    'example1',
    'admin123',
    'root1234',
    'secret-2026',
    'test1234',
    '12345678',
    '87654321',
    'aaaaaaaa',
    'abababab',
    'qwertyui',
    'letmein!',
    'k7$Pq!2',
  ])('can be guessed: %s', (password) => expect(isGuessablePassword(password, [])).toBe(true));

  it.each(['payments', 'Payments-1', 'payments2026', 'paymentspayments'])(
    'can be guessed by the name of its user, database or host: %s',
    (password) => {
      expect(isGuessablePassword(password, ['payments'])).toBe(true);
      expect(isGuessablePassword('vUz8-kq2Lmw', ['payments', 'k', '', '.*', '('])).toBe(false);
    },
  );

  it(`of 12 random characters or 16 hex digits cannot be guessed (seed ${SEED})`, () => {
    const passwords = fc.oneof(
      letters('ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789', 12),
      bytes(8).map((all) => all.toString('hex')),
    );
    const options = { seed: SEED, numRuns: 500, unbiased: true };
    fc.assert(
      fc.property(fc.noBias(passwords), (password) => !isGuessablePassword(password, ['edgechat', 'db.example.com'])),
      options,
    );
  });
});
