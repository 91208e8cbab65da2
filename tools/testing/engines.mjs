import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngines } from '../local-stack/engines.mjs';

/**
 * Starts the three engines for one run of tests: processes of its own on free ports, with empty data that is thrown away.
 * On a new machine they are fetched first, which takes minutes; each step is printed.
 * @param {AbortSignal} signal ends the start; nothing is left running then
 * @returns {Promise<{ env: Record<string, string>, stop: () => Promise<void> }>} `env`: where they are, for the tests
 * @throws Failure with one sentence when an engine cannot be had, or the signal's reason
 */
export async function startTestEngines(signal) {
  const dataDir = mkdtempSync(join(tmpdir(), 'edgechat-test-'));
  chmodSync(dataDir, 0o755); // PostgreSQL may run as another user, who has to get in
  const remove = () => rmSync(dataDir, { recursive: true, force: true });
  try {
    const engines = await startEngines({ dataDir, temporary: true, signal, say: (line) => console.log(line) });
    for (const { describe } of [engines.postgres, engines.mongo, engines.redis])
      console.log(`tests run on ${describe}`);
    const { DATABASE_URL, MONGODB_URL, REDIS_URL } = engines.env;
    return {
      env: { TEST_DATABASE_URL: DATABASE_URL, TEST_MONGODB_URL: MONGODB_URL, TEST_REDIS_URL: REDIS_URL },
      stop: async () => {
        await engines.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
