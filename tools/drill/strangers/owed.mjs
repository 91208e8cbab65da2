import pg from 'pg';
import { pause } from '../../local-stack/processes.mjs';
import { agentOf, call } from './client.mjs';
import { OWED_WITHIN_S } from './judge.mjs';

const READ_EVERY_MS = 200;
const SEARCHED = 60;
const ATTEMPTS = 5;

const OWED = `
select 'outbox ' || kind as what, count(*)::int as entries, max(attempts) as attempts from edgechat.outbox group by kind
union all
select 'replies ' || status, count(*)::int, max(epoch) from edgechat.replies where status in ('queued', 'running') group by status
order by 1`;
const UNANSWERED = `
select status, count(*)::int as replies from edgechat.replies where account_id = any($1::bigint[]) and status <> 'done' group by status`;

/**
 * Waits until everything owed is done, as long as that may take.
 * @param {number} endedAt when the attackers left, in milliseconds since 1970
 * @returns {Promise<{ seconds: number | null, left: { what: string, entries: number, attempts: number }[], unanswered: object[] }>}
 *   `seconds`: null when something is left; `unanswered`: questions of the honest without an answer, by status of their reply
 */
export async function awaitOwed({ env }, honest, endedAt) {
  const client = new pg.Client(env.DATABASE_URL);
  await client.connect();
  const secondsSince = () => (Date.now() - endedAt) / 1_000;
  try {
    const readOwed = async () => (await client.query(OWED)).rows;
    let left = await readOwed();
    while (left.length > 0 && secondsSince() < OWED_WITHIN_S) {
      await pause(READ_EVERY_MS);
      left = await readOwed();
    }
    const seconds = left.length === 0 ? secondsSince() : null;
    const { rows: unanswered } = await client.query(UNANSWERED, [honest.map(({ id }) => id)]);
    return { seconds, left, unanswered };
  } finally {
    await client.end();
  }
}

/**
 * Searches for words of the messages that the honest sent meanwhile, once all is done: each is found by who wrote it.
 * @returns {Promise<string[]>} what was not found
 */
export async function findKept({ apis: [api] }, honest, kept) {
  const agent = agentOf(honest[0].address, 8);
  const step = Math.max(1, Math.floor(kept.length / SEARCHED));
  const missing = [];
  for (let i = 0; i < kept.length; i += step) {
    const { word, person, conversation, seq } = kept[i];
    if (!(await isFound({ port: api.port, agent }, honest[person].token, word, { conversation, seq })))
      missing.push(`${word}, seq ${seq} of person ${person}`);
  }
  agent.destroy();
  return missing;
}

async function isFound(from, token, word, { conversation, seq }) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { status, body } = await call(from, 'GET', `/search?q=${word}`, { token });
    if (status === 200)
      return body.hits.some(({ message }) => message.conversation_id === conversation && message.seq === seq);
    await pause(500);
  }
  return false;
}
