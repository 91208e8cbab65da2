import { isDeepStrictEqual } from 'node:util';

// What must be true of the stores and the answers after a run, or its figures do not count. Each check throws an Error that says what is wrong.

export function must(isTrue, sentence) {
  if (!isTrue) throw new Error(sentence);
}

/** How far each conversation was checked. */
const checkedUpTo = new Map();

/** Says that a conversation begins with `seq` messages that were loaded. */
export const startCheckAt = (conversationId, seq) =>
  checkedUpTo.set(conversationId, Math.max(seq, checkedUpTo.get(conversationId) ?? 0));

/** Takes what is there now as checked: after a run that failed, for the next one to begin from. */
export async function passOver(stores, conversations) {
  for (const { id, last_seq } of await stores.sql(
    'select id, last_seq from edgechat.conversations where id = any($1::uuid[])',
    [conversations],
  ))
    startCheckAt(id, last_seq);
}

/**
 * Every message that was acknowledged is there once, in both stores; the numbers have no hole; and what one connection sent into a conversation stands in the order it was sent.
 * @param {readonly string[]} keys what was acknowledged: `<run>.<connection>.<n>`
 */
export async function checkSends(stores, conversations, keys, { areAnswered = false } = {}) {
  const fresh = await stores.sql(
    `select m.conversation_id, m.seq, m.message_id, m.author, m.client_key, m.answers_seq, c.last_seq
     from edgechat.conversations c join unnest($1::uuid[], $2::bigint[]) as t (id, seq) on t.id = c.id join edgechat.messages m on m.conversation_id = c.id and m.seq > t.seq
     order by m.conversation_id, m.seq`,
    [conversations, conversations.map((id) => checkedUpTo.get(id) ?? 0)],
  );
  const byConversation = Map.groupBy
    ? Map.groupBy(fresh, (row) => row.conversation_id)
    : groupBy(fresh, (row) => row.conversation_id);
  for (const [id, rows] of byConversation) checkLedger(id, rows);

  const found = new Map();
  for (const row of fresh) if (row.author !== 0) found.set(row.client_key, (found.get(row.client_key) ?? 0) + 1);
  for (const key of keys)
    must(found.get(key) === 1, `message ${key} was acknowledged and is in the ledger ${found.get(key) ?? 0} times`);
  if (areAnswered) checkAnswers(fresh, keys);
  await checkTexts(stores, byConversation);
  for (const [id, rows] of byConversation) checkedUpTo.set(id, rows.at(-1).seq);
}

function groupBy(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
}

function checkLedger(id, rows) {
  const sentBy = new Map();
  rows.forEach((row, i) => {
    must(row.seq === (checkedUpTo.get(id) ?? 0) + i + 1, `conversation ${id} has a hole before ${row.seq}`);
    if (row.author === 0) return;
    const [run, connection, n] = row.client_key.split('.');
    const sender = `${run}.${connection}`;
    must((sentBy.get(sender) ?? 0) < Number(n), `conversation ${id} has ${row.client_key} in the wrong place`);
    sentBy.set(sender, Number(n));
  });
  must(
    rows.at(-1).seq === rows.at(-1).last_seq,
    `conversation ${id} counts ${rows.at(-1).last_seq} messages and has ${rows.at(-1).seq}`,
  );
}

function checkAnswers(rows, keys) {
  const answered = new Set(
    rows.filter((row) => row.answers_seq !== null).map((row) => `${row.conversation_id}:${row.answers_seq}`),
  );
  const asked = new Set(keys);
  for (const row of rows)
    if (asked.has(row.client_key))
      must(answered.has(`${row.conversation_id}:${row.seq}`), `message ${row.client_key} has no answer`);
}

async function checkTexts(stores, byConversation) {
  for (const [id, rows] of byConversation) {
    const documents = await stores.messages
      .find(
        { conversation_id: id, seq: { $gte: rows[0].seq } },
        { projection: { _id: 0, seq: 1, message_id: 1, content: 1 }, sort: { seq: 1 } },
      )
      .toArray();
    must(
      documents.length === rows.length,
      `MongoDB has ${documents.length} of ${rows.length} new messages of conversation ${id}`,
    );
    documents.forEach((document, i) => {
      must(
        document.seq === rows[i].seq && document.message_id === rows[i].message_id,
        `MongoDB has another message at ${id}, ${document.seq}`,
      );
      must(
        rows[i].author === 0 || document.content.startsWith(`${rows[i].client_key} `),
        `MongoDB has another text at ${id}, ${document.seq}`,
      );
    });
  }
}

/** The answer to a request, as JSON. */
export async function answerTo(program, { path, token }) {
  const response = await fetch(`http://127.0.0.1:${program.port}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  must(
    response.status === 200,
    `${program.name} answers ${response.status} to GET ${path}: ${(await response.clone().text()).slice(0, 300)}`,
  );
  return response.json();
}

/** Product and floor give the same answer to the same request, to the letter. @param {{ product?: object, floor?: object }} answers */
export function checkSame({ product, floor }, path) {
  if (product === undefined || floor === undefined) return;
  must(
    isDeepStrictEqual(product, floor),
    `product and floor answer differently to GET ${path}:\n${JSON.stringify(product).slice(0, 1_000)}\n${JSON.stringify(floor).slice(0, 1_000)}`,
  );
}

/** Two values have the same fields with the same types of value, whatever the values are. */
export function checkAlike(one, other, at = 'the answer') {
  const kind = (value) => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);
  must(kind(one) === kind(other), `${at} is ${kind(one)} in the product and ${kind(other)} in the floor`);
  if (kind(one) !== 'object') return;
  must(
    isDeepStrictEqual(Object.keys(one), Object.keys(other)),
    `${at} has ${Object.keys(one)} in the product and ${Object.keys(other)} in the floor`,
  );
  for (const key of Object.keys(one)) checkAlike(one[key], other[key], `${at}.${key}`);
}
