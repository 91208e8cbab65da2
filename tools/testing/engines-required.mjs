const ADDRESSES = ['TEST_DATABASE_URL', 'TEST_MONGODB_URL', 'TEST_REDIS_URL'];

/**
 * Jest's global setup for tests on real engines: says in one sentence what to do when the engines' addresses are missing,
 * instead of letting each test fail for a reason of its own.
 * @throws Error when one of the addresses is unset
 */
export default function enginesRequired() {
  const missing = ADDRESSES.filter((name) => !process.env[name]);
  if (missing.length === 0) return;

  throw new Error(
    `${missing.join(', ')} not set: run this test by \`npm test -- <file>\`, which starts the engines it needs.`,
  );
}
