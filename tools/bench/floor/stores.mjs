import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import pg from 'pg';

// The stores of the floor: the drivers themselves, set as the product sets them, with nothing around them.

const { DATABASE_URL, MONGODB_URL, REDIS_URL } = process.env;
const PREFIX = '{edgechat}';

pg.types.setTypeParser(pg.types.builtins.INT8, Number);
const pool = new pg.Pool({
  connectionString: DATABASE_URL,
  max: 10,
  keepAlive: true,
  options: '-c enable_seqscan=off -c jit=off',
  statement_timeout: 4_500,
  lock_timeout: 3_000,
});
const mongo = new MongoClient(MONGODB_URL, {
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
  retryWrites: true,
  maxPoolSize: 20,
  serverSelectionTimeoutMS: 1_000,
  socketTimeoutMS: 5_000,
});

/** @returns {Promise<object[]>} the rows of a named statement */
export const query = async (name, text, values) => (await pool.query({ name, text, values })).rows;
/** Runs statements in one transaction. */
export async function transaction(work) {
  const client = await pool.connect();
  try {
    await client.query({ name: 'begin', text: 'begin' });
    await work((name, text, values) => client.query({ name, text, values }));
    await client.query({ name: 'commit', text: 'commit' });
    client.release();
  } catch (error) {
    client.release(error);
    throw error;
  }
}
export const messages = mongo.db('edgechat').collection('messages');
export const redis = new Redis(REDIS_URL, {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: true,
  scripts: countScripts(),
});
const queues = new Map(
  ['deliveries', 'replies'].map((name) => [
    name,
    new Queue(name, { connection: redis, prefix: PREFIX, skipVersionCheck: true }),
  ]),
);

/** Adds to a counter whose window begins with its first use; gives the count and the milliseconds that are left. */
function countScripts() {
  const lua = `
    redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
    return { redis.call('incrby', KEYS[1], ARGV[1]), redis.call('pttl', KEYS[1]) }`;
  return { count: { numberOfKeys: 1, lua } };
}

/** @returns {Promise<[count: number, leftMs: number]>} */
export const count = (key, by, windowS) => redis.count(`${PREFIX}:${key}`, by, windowS);

/** Hears the ids of answers that can be read. */
export async function hearAnswers(onId) {
  const subscriber = new Redis(REDIS_URL);
  subscriber.on('message', (_channel, id) => onId(id));
  await subscriber.subscribe(`${PREFIX}:answers`);
}

const job = (name, version, key, conversationId, requestId) => ({
  name,
  data: { version, requestId, payload: { conversationId } },
  opts: {
    attempts: 5,
    backoff: { type: 'exponential', delay: 500 },
    removeOnComplete: true,
    removeOnFail: { count: 1_000, age: 604_800 },
    deduplication: { id: `${name}:${key}`, keepLastIfActive: true },
  },
});

/** What the product rings for a sent message (libs/contracts): the same worker does the same work for both. Deliveries are of all conversations, in lanes; a lane is rung once for a batch. */
const LANES = 2;
const INDEX = ['search.index-messages', 2];
const FAN_OUT = ['conversations.fan-out-messages', 2];
function deliveriesOf([name, version], conversations) {
  const lanes = new Map(
    [...conversations].map(([id, requestId]) => [Number.parseInt(id.slice(-2), 16) % LANES, [id, requestId]]),
  );
  return [...lanes].map(([lane, [id, requestId]]) => job(name, version, lane, id, requestId));
}

/** Conversations, and a request of each. @param {Map<string, string>} sent with a new message; @param {Map<string, string>} owed whose other members' inboxes are owed; @param {Map<string, string>} asked with an answer owed */
export async function ring(sent, owed, asked) {
  const deliveries = [...deliveriesOf(INDEX, sent), ...deliveriesOf(FAN_OUT, owed)];
  const replies = [...asked].map(([id, requestId]) => job('assistant.reply-to-message', 1, id, id, requestId));
  await Promise.all([
    deliveries.length > 0 && queues.get('deliveries').addBulk(deliveries),
    replies.length > 0 && queues.get('replies').addBulk(replies),
  ]);
}

const ADD_REQUESTS = `
  with batch as (
    select * from unnest($1::bigint[], $2::float8[], $3::int[]) with ordinality as b (account_id, minute_s, requests, place)
  ), counted as (
    insert into edgechat.request_counts as c (account_id, minute, requests) select account_id, to_timestamp(minute_s), requests from batch order by place
    on conflict (account_id, minute) do update set requests = c.requests + excluded.requests
  ), totalled as (
    insert into edgechat.request_totals as t (account_id, total) select account_id, sum(requests) from batch group by account_id order by account_id
    on conflict (account_id) do update set total = t.total + excluded.total
  )
  delete from edgechat.request_counts where account_id = any($1::bigint[]) and minute < clock_timestamp() - interval '8 days'`;

let requests = new Map();
/** Sessions that were ended within the life of an access token. */
export const revoked = new Set();

export const meter = (account) => void requests.set(account, (requests.get(account) ?? 0) + 1);

async function writeRequests() {
  if (requests.size === 0) return;
  const batch = [...requests].sort(([a], [b]) => a - b);
  requests = new Map();
  const minuteS = Math.floor(Date.now() / 60_000) * 60;
  await query('add-request-counts', ADD_REQUESTS, [
    batch.map(([id]) => id),
    batch.map(() => minuteS),
    batch.map(([, n]) => n),
  ]);
}

async function readRevoked() {
  for (const { id } of await query(
    'revoked',
    'select id from edgechat.sessions where revoked_at > statement_timestamp() - make_interval(secs => $1::double precision)',
    [960],
  ))
    revoked.add(id);
}

/** Connects to all three, and begins to count requests each half second and to read ended sessions each two. */
export async function begin() {
  await mongo.connect();
  await readRevoked();
  setInterval(() => void writeRequests(), 500);
  setInterval(() => void readRevoked(), 2_000);
}
