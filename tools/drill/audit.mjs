import pg from 'pg';
import { Failure, pause } from '../local-stack/processes.mjs';
import { isLater } from './door.mjs';
import { randomOf } from './random.mjs';
import { judgeRow, readPage, search } from './reads.mjs';
import { forEach } from './settle.mjs';

const PAGE = 100;
/** Not a divisor of anybody's number of conversations, and less than it. */
const INBOX_PAGE = 7;
const SEARCHED = 80;
/** A message is found at the latest 10 s after it was accepted, and this comes after that: what is late is late by a job's backoff. */
const PAID_WITHIN_MS = 30_000;

/** Everything that must be true once all faults are healed and everything is paid. */
export async function audit(drill) {
  const { truth } = drill;
  const readings = truth.conversations.flatMap((conversation) =>
    truth.membersOf(conversation).map((person) => ({ conversation, person })),
  );
  await forEach(readings, ({ conversation, person }) => readAll(drill, person, conversation));
  for (const conversation of truth.conversations) auditLedger(drill, conversation);
  await auditDebts(drill);
  await forEach(truth.people, (person) => auditInbox(drill, person));
  await forEach(truth.conversations, (conversation) => auditMembers(drill, conversation));
  await auditSearch(drill);
  await verify(drill);
}

/** A call that is answered now, with everything healed. @throws Failure */
async function calm(drill, door, path, token) {
  for (let tries = 1; ; tries += 1) {
    const answer = await door.call('GET', path, { token });
    if (!isLater(answer)) return answer.body;
    if (tries === 20)
      throw new Failure(
        `GET ${path} is not answered though everything is healed: ${answer.status} ${JSON.stringify(answer.body)}`,
      );
    await pause(250);
  }
}

/** The whole conversation, as one member sees it: `see` compares each message with what others were shown. */
async function readAll(drill, person, conversation) {
  const door = drill.doors[(person.n + conversation.n) % 2];
  let from = 0;
  for (let tries = 0; tries < 20;) {
    const page = await readPage(drill, person, conversation, door, { direction: 'after', from, limit: PAGE });
    if (page === null) {
      tries += 1;
      await pause(250);
      continue;
    }
    from = page.messages.at(-1)?.seq ?? from;
    if (page.has_more) continue;
    if (from !== conversation.ledger.size)
      drill.violations.add(
        'not everybody sees all',
        `${drill.truth.place(conversation, from)}, ${person.name}: ${conversation.ledger.size} were seen by others`,
      );
    return;
  }
  drill.violations.add(
    'a conversation that cannot be read though everything is healed',
    `${drill.truth.place(conversation, from)}, ${person.name}`,
  );
}

function auditLedger({ truth, violations }, conversation) {
  const { ledger, answers } = conversation;
  let before = '';
  for (let seq = 1; seq <= ledger.size; seq += 1) {
    const message = ledger.get(seq);
    if (message === undefined) return violations.add('a hole in the numbers', truth.place(conversation, seq));
    if (message.createdAt < before)
      violations.add('a message older than the one before it', truth.place(conversation, seq));
    before = message.createdAt;
    if (message.role !== 'model') continue;
    const question = ledger.get(message.answersSeq);
    const send = truth.sendOf(question?.content ?? '');
    if (question?.role !== 'user' || !send?.isOwedAnswer)
      violations.add(
        'an answer to what asked for none',
        `${truth.place(conversation, seq)} to ${message.answersSeq}: ${question?.content.slice(0, 100)}`,
      );
    else if (!message.content.includes(send.word))
      violations.add(
        'an answer to another question than it says',
        `${truth.place(conversation, seq)} to ${message.answersSeq}: ${message.content.slice(0, 200)}`,
      );
  }
  for (const send of conversation.sent) {
    const place = `${truth.place(conversation, send.seq)}, ${send.key} of ${send.person.name}`;
    if (send.isProbe) continue; // `see` has told of those that are there
    if (send.fate !== 'accepted' || ledger.get(send.seq)?.id !== send.id)
      violations.add('an accepted message is lost', place);
    if (send.isOwedAnswer && !answers.has(send.seq)) violations.add('a question without an answer', place);
  }
  for (const { person, from, until } of conversation.closed) {
    for (let seq = from + 1; seq < until && seq <= ledger.size; seq += 1) {
      if (ledger.get(seq)?.author === person.id)
        violations.add(
          'a send of somebody removed got through',
          `${truth.place(conversation, seq)}, ${person.name} was out from ${from} to ${until}`,
        );
    }
  }
}

/** The one look behind HTTP: a count of what is owed. */
async function auditDebts({ system, violations }) {
  const client = new pg.Client(system.engines.env.DATABASE_URL);
  await client.connect();
  try {
    const count = async () =>
      (
        await client.query(`select kind, count(*)::int, max(attempts) as attempts from edgechat.outbox group by kind
      union all select 'reply ' || status, count(*)::int, max(epoch) from edgechat.replies where status in ('queued', 'running') group by status`)
      ).rows;
    const until = performance.now() + PAID_WITHIN_MS;
    while ((await count()).length > 0 && performance.now() < until) await pause(200);
    for (const row of await count()) violations.add('a debt is left', JSON.stringify(row));
  } finally {
    await client.end();
  }
}

/** Pages by cursor: all conversations once, by their last activity, each row as the ledger says. */
async function auditInbox(drill, person) {
  const { truth, violations } = drill;
  const rows = [];
  for (let cursor = ''; cursor !== null;) {
    const page = await calm(
      drill,
      drill.doors[rows.length % 2],
      `/chat/conversations?limit=${INBOX_PAGE}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      person.token,
    );
    rows.push(...page.conversations);
    if (page.has_more !== (page.next_cursor !== null))
      violations.add('an inbox page without a way on', `${person.name} after ${rows.length}`);
    cursor = page.next_cursor;
  }
  const listed = new Map(rows.map((row) => [row.id, row]));
  if (listed.size !== rows.length) violations.add('a conversation twice in an inbox', person.name);
  const unordered = rows.findIndex((row, i) => i > 0 && row.sort_at > rows[i - 1].sort_at);
  if (unordered > 0)
    violations.add(
      'an inbox out of order',
      `${person.name}, row ${unordered}: ${rows.map((row) => row.sort_at).join(' ')}`,
    );
  const own = truth.conversationsOf(person);
  if (own.length !== rows.length)
    violations.add('an inbox with too many or too few', `${person.name}: ${rows.length}, not ${own.length}`);
  for (const conversation of own) {
    const row = listed.get(conversation.id);
    if (row === undefined)
      violations.add('an inbox lacks a conversation', `${truth.place(conversation, '-')}, ${person.name}`);
    else auditRow(drill, person, conversation, row);
  }
}

function auditRow(drill, person, conversation, row) {
  const { truth, violations } = drill;
  const size = conversation.ledger.size;
  judgeRow(drill, person, conversation, row, { known: size, mark: person.marks.get(conversation.n) ?? 0 });
  const place = `${truth.place(conversation, row.last_seq)}, ${person.name}`;
  if (row.last_seq !== size)
    violations.add('an inbox with another end of a conversation', `${place}: ${size} messages`);
  if (size > 0 && row.updated_at !== conversation.ledger.get(size).createdAt)
    violations.add(
      'not the time of the last message',
      `${place}: ${row.updated_at}, not ${conversation.ledger.get(size).createdAt}`,
    );
  if (row.member_count !== truth.membersOf(conversation).length)
    violations.add('a wrong member count', `${place}: ${row.member_count}`);
  // Who comes anew has read all there was then; the marks of all others are where one of their own calls has put them.
  const isReachable =
    row.read_seq === 0 ||
    conversation.rotating.includes(person.n) ||
    person.marksAsked.get(conversation.n)?.has(row.read_seq) ||
    isAnswerTo(truth, conversation, row.read_seq, person);
  if (!isReachable) violations.add('a read mark that nobody set', `${place}: ${row.read_seq}`);
}

/** An answer may have been returned, and marked as read, though its call was lost on the way. */
function isAnswerTo(truth, conversation, seq, person) {
  const { role, answersSeq } = conversation.ledger.get(seq) ?? {};
  return (
    conversation.waits &&
    role === 'model' &&
    truth.sendOf(conversation.ledger.get(answersSeq).content)?.person === person
  );
}

async function auditMembers(drill, conversation) {
  const { truth, violations } = drill;
  const owner = truth.people[conversation.owner];
  const members = [];
  for (let cursor = ''; cursor !== null;) {
    const page = await calm(
      drill,
      drill.doors[members.length % 2],
      `/chat/conversations/${conversation.id}/members?limit=3${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      owner.token,
    );
    members.push(...page.members);
    cursor = page.next_cursor;
  }
  const place = truth.place(conversation, '-');
  const shown = members
    .map(({ account_id: id }) => id)
    .sort((one, other) => one - other)
    .join(' ');
  const expected = truth
    .membersOf(conversation)
    .map(({ id }) => id)
    .sort((one, other) => one - other)
    .join(' ');
  if (shown !== expected) violations.add('wrong members', `${place}: ${shown}, not ${expected}`);
  const owners = members.filter(({ role }) => role === 'owner').map(({ account_id: id }) => id);
  const isRightOwner = conversation.kind === 'direct' || owners[0] === owner.id;
  if (owners.length !== 1 || !isRightOwner || members.some(({ role }) => !['owner', 'member'].includes(role)))
    violations.add('wrong roles', `${place}: ${JSON.stringify(members)}`);
}

/** A sample of rare words: a member finds the message, and the answers that quote it; nobody else finds anything. */
async function auditSearch(drill) {
  const { truth, violations } = drill;
  const random = randomOf(drill.seed, 'search');
  const sample = random.shuffled(truth.sends.filter(({ isProbe }) => !isProbe)).slice(0, SEARCHED);
  const until = performance.now() + PAID_WITHIN_MS;
  await forEach(sample, async ({ word, conversation, seq }) => {
    const members = truth.membersOf(conversation);
    const expected = [...conversation.ledger.values()]
      .filter(({ content }) => content.includes(word))
      .map(({ id }) => id)
      .sort()
      .join(' ');
    let found = null;
    do {
      if (found !== null) await pause(250);
      const hits = await search(drill, random.pick(members), word, random.pick(drill.doors));
      found = (hits ?? [])
        .map(({ message }) => message.id)
        .sort()
        .join(' ');
    } while (found !== expected && performance.now() < until);
    if (found !== expected)
      violations.add(
        'a search does not find what is there',
        `${truth.place(conversation, seq)}, ${word}: ${found || 'nothing'}, not ${expected}`,
      );
    const stranger = random.pick(truth.people.filter((person) => !members.includes(person)));
    if (stranger !== undefined) await search(drill, stranger, word, random.pick(drill.doors));
  });
}

/** The operator's own check agrees. */
async function verify({ system, violations, signal }) {
  await system.worker(['admin', 'verify'], signal).catch((error) => {
    signal.throwIfAborted();
    violations.add('admin verify found something', error.message);
  });
}
