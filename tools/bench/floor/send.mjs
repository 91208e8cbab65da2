import { hash } from 'node:crypto';
import { newId } from './ids.mjs';
import { messages, query, ring } from './stores.mjs';

// Sends as the product makes them: batches of those that come together, one call of the door, one write of the texts, one addBulk per queue. (See libs/conversations: SendQueue, SendMessage.)

const SEND =
  'select *, extract(epoch from deadline_at - clock_timestamp())::float8 * 1000 as left_ms from edgechat.send_messages($1::json, $2::json, null, null, null, null, null) order by n';
const SETTLE = 'select edgechat.settle_stored($1::json)';
const SETTLE_AFTER_MS = 500;
const SETTLED_MAX = 500;
const BATCH_MAX = 128;
const BATCHES_MAX = 3;
const WRITES_MAX = 2;
const ANSWER_WITHIN_MS = 60_000;
const DUPLICATE_KEY = 11_000;
const MENTION = /(?<![\p{L}\p{N}\p{M}_.+@-])@assistant(?![\p{L}\p{N}\p{M}_@]|[.-][\p{L}\p{N}])/iu;

let waiting = [];
let running = 0;
const busy = new Set();
/** Places of texts that MongoDB has, whose debts the next batch settles, or a timer where none comes. */
const stored = [];
let settling = null;

/** @returns {Promise<object>} the door's row of this send */
export function send(one) {
  return new Promise((resolve, reject) => {
    waiting.push({ ...one, resolve, reject });
    setImmediate(next);
  });
}

function next() {
  if (running >= BATCHES_MAX || waiting.length === 0) return;
  const batch = [];
  const left = [];
  const passedOver = new Set(busy);
  for (const one of waiting) {
    if (batch.length === BATCH_MAX || passedOver.has(one.conversationId)) {
      passedOver.add(one.conversationId);
      left.push(one);
    } else batch.push(one);
  }
  waiting = left;
  if (batch.length === 0) return;
  running += 1;
  for (const { conversationId } of batch) busy.add(conversationId);
  void write(batch).catch((error) => batch.forEach(({ reject }) => reject(error)));
  next();
}

const forDoor = ({ conversationId, author, clientKey, content, replyId }, n) => ({
  n,
  conversation_id: conversationId,
  content,
  message_id: newId(),
  content_hash: hash('sha256', content, 'base64url'),
  author,
  client_key: clientKey,
  reply_id: replyId,
  answer_within_ms: ANSWER_WITHIN_MS,
  mentions_assistant: content.includes('@') && MENTION.test(content),
});

/** A deadlock rolled everything back: the same again. */
async function callDoor(values, triesLeft = 3) {
  try {
    return await query('send', SEND, values);
  } catch (error) {
    if (triesLeft > 1 && error.code?.startsWith('40')) return callDoor(values, triesLeft - 1);
    throw error;
  }
}

async function write(batch) {
  let rows;
  try {
    const settled = stored.splice(0, SETTLED_MAX);
    rows = await callDoor([JSON.stringify(batch.map(forDoor)), settled.length > 0 ? JSON.stringify(settled) : null]);
  } finally {
    running -= 1;
    for (const { conversationId } of batch) busy.delete(conversationId);
    next();
  }
  await deliver(batch, rows);
  batch.forEach(({ resolve }, n) => resolve(rows[n]));
}

async function deliver(batch, rows) {
  const documents = [];
  const sent = new Map();
  const owed = new Map();
  const asked = new Map();
  batch.forEach(({ conversationId, author, content, requestId }, n) => {
    const { outcome, seq, message_id, created_at, reply_status, fans_out } = rows[n];
    if (outcome === 'sent') {
      documents.push({ conversation_id: conversationId, seq, message_id, author, content, created_at });
      sent.set(conversationId, requestId);
      if (fans_out) owed.set(conversationId, requestId);
    }
    if (reply_status === 'queued') asked.set(conversationId, requestId);
  });
  if (documents.length > 0) {
    await storeTogether(documents);
    stored.push(...documents.map(({ conversation_id, seq }) => ({ conversation_id, seq })));
    settling ??= setTimeout(settle, SETTLE_AFTER_MS);
  }
  await ring(sent, owed, asked);
}

async function settle() {
  settling = null;
  for (let some = stored.splice(0, SETTLED_MAX); some.length > 0; some = stored.splice(0, SETTLED_MAX))
    await query('settle', SETTLE, [JSON.stringify(some)]);
}

/** While two writes are under way the texts of later batches wait, and go together. */
let writing = 0;
let gathered = null;
async function storeTogether(documents) {
  if (gathered !== null) return gathered.documents.push(...documents) && gathered.written;
  if (writing < WRITES_MAX) return storeNow(documents);
  const own = { documents: [...documents] };
  own.written = new Promise((resolve) => (own.begin = resolve)).then(() => {
    gathered = null;
    return storeNow(own.documents);
  });
  gathered = own;
  return own.written;
}

async function storeNow(documents) {
  writing += 1;
  try {
    await store(documents);
  } finally {
    writing -= 1;
    gathered?.begin();
  }
}

/** Almost always the places are free: to insert is a third of the work of looking first, and what is in the way is replaced in a second round trip. */
async function store(documents) {
  try {
    await messages.insertMany(documents, { ordered: false });
  } catch (error) {
    if (error.code !== DUPLICATE_KEY) throw error;
    const inTheWay = documents.map(({ _id, ...replacement }) => ({
      replaceOne: {
        filter: { conversation_id: replacement.conversation_id, seq: replacement.seq },
        replacement,
        upsert: true,
      },
    }));
    await messages.bulkWrite(inTheWay, { ordered: false });
  }
}
