import { messagesOf } from './sends.mjs';

/** Longer than any conversation. */
const BEYOND = 1_000_000_000;

/** Judges whether a person should have got through to a conversation. @returns true when it did */
export function judgeDoor(drill, before, { status, door }, what) {
  const standing = drill.truth.standingSince(before);
  const { conversation, person } = before;
  const place = `${drill.truth.place(conversation, '-')}, ${person.name} by ${door.app.name}`;
  if (status === 404 && standing === 'in') drill.violations.add('a member was not found', `${what}, ${place}`);
  if (status === 200 && standing === 'out') drill.violations.add(`${what} of somebody removed got through`, place);
  return status === 200;
}

/** The newest page. */
export const readNewest = (drill, person, conversation, door) =>
  readPage(drill, person, conversation, door, { direction: 'before', from: BEYOND, limit: 100 });

/** A page somewhere in what this person knows of a conversation. */
export function readSomewhere(drill, person, conversation, door, random) {
  const known = drill.truth.known(person, conversation);
  if (random.chance(0.3)) return readNewest(drill, person, conversation, door);
  return readPage(drill, person, conversation, door, {
    direction: random.pick(['after', 'before']),
    from: random.whole(known + 2),
    limit: 1 + random.whole(100),
  });
}

/**
 * Reads a page and judges it: no hole, and everything that this person was told of before, each message as it was first seen.
 * @returns {Promise<{ messages: object[], has_more: boolean } | null>} null when none came
 */
export async function readPage(drill, person, conversation, door, { direction, from, limit }) {
  const { truth, violations } = drill;
  const before = truth.standing(conversation, person);
  const known = truth.known(person, conversation);
  const answer = await door.call('GET', `${messagesOf(conversation)}?${direction}_seq=${from}&limit=${limit}`, {
    token: person.token,
    expects: [200, 404],
  });
  drill.count('pages read');
  if (!judgeDoor(drill, before, answer, 'a read')) return null;

  const { messages, has_more: hasMore } = answer.body;
  for (const message of messages) truth.see(conversation, message, person);
  const seqs = messages.map(({ seq }) => seq);
  const place = `${truth.place(conversation, `${direction} ${from}, limit ${limit}`)}, ${person.name} by ${door.app.name}: ${seqs.length} from ${seqs[0]} to ${seqs.at(-1)}, has_more ${hasMore}, ${known} known`;
  if (seqs.some((seq, i) => seq !== seqs[0] + i)) violations.add('a hole in a page', `${place}: ${seqs.join(' ')}`);
  if (hasMore && seqs.length !== limit) violations.add('a page that is not full has more', place);
  if (!isWholePage({ direction, from, limit, known, seqs, hasMore }))
    violations.add('a page lacks what its reader was told of', place);
  return answer.body;
}

/** Whether a page is what must be there if the conversation goes up to `known` or beyond. */
function isWholePage({ direction, from, limit, known, seqs, hasMore }) {
  if (direction === 'after') {
    const isRightStart = seqs.length === 0 || seqs[0] === from + 1;
    return (
      isRightStart &&
      seqs.length >= Math.min(limit, known - from) &&
      (hasMore || Math.max(from, seqs.at(-1) ?? 0) >= known)
    );
  }
  const isRightEnd = known < from - 1 ? (seqs.at(-1) ?? 0) >= known : (seqs.at(-1) ?? 0) === Math.max(0, from - 1);
  return isRightEnd && hasMore === (seqs[0] ?? 1) > 1;
}

/** One message by its seq. */
export async function readOne(drill, person, conversation, door, random) {
  const { truth } = drill;
  const known = truth.known(person, conversation);
  if (known === 0) return;
  const before = truth.standing(conversation, person);
  const seq = 1 + random.whole(known);
  const answer = await door.call('GET', `${messagesOf(conversation)}/${seq}`, {
    token: person.token,
    expects: [200, 404],
  });
  if (!judgeDoor(drill, before, answer, 'a read')) return;
  truth.see(conversation, answer.body, person);
  if (answer.body.seq !== seq)
    drill.violations.add('another message than was asked for', `${truth.place(conversation, seq)}: ${answer.body.seq}`);
}

/** Moves the read mark; it never goes back. */
export async function markRead(drill, person, conversation, door, random) {
  const { truth, violations } = drill;
  const before = truth.standing(conversation, person);
  const known = truth.known(person, conversation);
  const mark = person.marks.get(conversation.n) ?? 0;
  const seq = random.whole(known + 1);
  truth.askMark(person, conversation, seq);
  const answer = await door.call('PUT', `/chat/conversations/${conversation.id}/read`, {
    token: person.token,
    body: { seq },
    expects: [200, 404],
  });
  drill.count('marks');
  if (!judgeDoor(drill, before, answer, 'a read mark')) return;
  const { read_seq: readSeq, unread_count: unread } = answer.body;
  const place = `${truth.place(conversation, seq)}, ${person.name} by ${door.app.name}: ${readSeq}, ${unread} unread, was ${mark}, ${known} known`;
  if (readSeq < Math.max(seq, mark)) violations.add('a read mark went back', place);
  if (unread < 0 || readSeq + unread < known) violations.add('a wrong unread count', place);
  truth.tellMark(person, conversation, readSeq);
}

/** The inbox: all conversations that this person is in for sure, each with what it was told of. Their order is judged when all is paid. */
export async function listInbox(drill, person, door) {
  const { truth, violations } = drill;
  const standings = truth.conversations
    .filter(({ members }) => members.has(person.n))
    .map((conversation) => truth.standing(conversation, person));
  const told = new Map(
    standings.map(({ conversation: { n, id } }) => [
      id,
      { known: truth.known(person, { n }), mark: person.marks.get(n) ?? 0 },
    ]),
  );
  const answer = await door.call('GET', '/chat/conversations?limit=100', { token: person.token });
  drill.count('inbox pages');
  if (answer.status !== 200) return;
  const listed = new Map(answer.body.conversations.map((row) => [row.id, row]));
  const who = `${person.name} by ${door.app.name}`;
  if (listed.size !== answer.body.conversations.length) violations.add('a conversation twice in an inbox page', who);
  for (const before of standings) {
    const { conversation } = before;
    const standing = truth.standingSince(before);
    const row = listed.get(conversation.id);
    listed.delete(conversation.id);
    if (row === undefined && standing === 'in')
      violations.add('an inbox lacks a conversation', `${truth.place(conversation, '-')}, ${who}`);
    if (row !== undefined && standing === 'out')
      violations.add('an inbox shows a conversation to somebody removed', `${truth.place(conversation, '-')}, ${who}`);
    if (row !== undefined && standing === 'in') judgeRow(drill, person, conversation, row, told.get(conversation.id));
  }
  for (const id of listed.keys()) violations.add('an inbox shows a conversation of others', `${id}, ${who}`);
}

/** A row of the inbox against itself and what its reader knew before. */
export function judgeRow({ truth, violations }, person, conversation, row, { known, mark }) {
  const place = `${truth.place(conversation, row.last_seq)}, ${person.name}: read ${row.read_seq}, unread ${row.unread_count}, ${row.message_count} messages; knew ${known}, mark ${mark}`;
  if (row.unread_count !== row.last_seq - row.read_seq || row.unread_count < 0)
    violations.add('a wrong unread count', place);
  if (row.message_count !== row.last_seq) violations.add('a wrong message count', place);
  if (row.last_seq < known) violations.add('an inbox lacks messages that its reader was told of', place);
  if (row.read_seq < mark) violations.add('a read mark went back', place);
  const last = row.last_message;
  if ((last?.seq ?? 0) !== row.last_seq) violations.add('a wrong last message', `${place}: ${JSON.stringify(last)}`);
  const kept = conversation.ledger.get(last?.seq);
  if (
    last &&
    kept &&
    (last.role !== kept.role ||
      last.author_id !== kept.author ||
      last.created_at !== kept.createdAt ||
      last.content !== cut(kept.content))
  ) {
    violations.add('a wrong last message', `${place}: ${JSON.stringify(last)}, not ${kept.shown.slice(0, 300)}`);
  }
}

const cut = (text) => Array.from(text).slice(0, 200).join('');

/** Searches for a rare word: whatever is found has the word and is the searcher's to see. @returns the hits, null when none came */
export async function search(drill, person, word, door) {
  const { truth, violations } = drill;
  const standings = new Map(
    truth.conversations.map((conversation) => [
      conversation.id,
      conversation.members.has(person.n) ? truth.standing(conversation, person) : null,
    ]),
  );
  const answer = await door.call('GET', `/search?q=${encodeURIComponent(word)}&limit=100`, { token: person.token });
  drill.count('searches');
  if (answer.status !== 200) return null;
  const who = `${word}, ${person.name} by ${door.app.name}`;
  for (const { message, snippet } of answer.body.hits) {
    const before = standings.get(message.conversation_id);
    if (before === undefined || before === null || truth.standingSince(before) === 'out')
      violations.add(
        "a search showed what is not the searcher's to see",
        `${who}: ${message.conversation_id} seq ${message.seq}`,
      );
    else truth.see(before.conversation, message, person);
    if (!message.content.includes(word))
      violations.add(
        'a search found what has not the word',
        `${who}: ${JSON.stringify(message.content.slice(0, 200))}`,
      );
    if (!snippet.some(({ text, match }) => match && text === word))
      violations.add('a snippet does not mark the word', `${who}: ${JSON.stringify(snippet)}`);
  }
  return answer.body.hits;
}
