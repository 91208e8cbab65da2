import pg from 'pg';
import { Failure, pause } from '../../local-stack/processes.mjs';
import { randomOf } from '../random.mjs';
import { rareWord } from '../texts.mjs';
import { agentOf, call } from './client.mjs';

/** The honest come from one address, the attackers from a few, and what is prepared from others, so that nobody's limit is used up before. */
const OFFICE = '127.0.1.1';
export const ATTACKING = ['127.0.2.1', '127.0.2.2', '127.0.2.3', '127.0.2.4', '127.0.2.5'];
const PREPARING = '127.0.3.';
const HONEST = 20;
const GROUP = 4;
const AGE_DAYS = 8;
/** How many accounts make which attack. Each stays below the limit of requests of an account. */
const ROLES = { texts: 12, searches: 12, pages: 8, prompts: 10, lists: 8, pipes: 1 };
/** A little more than one page; no word in them, so that they cost nothing to keep. */
const LARGE_MESSAGES = 104;
const LARGE_TEXT = '—'.repeat(32_000);
/** Fewer than REGISTRATIONS_PER_HOUR. */
const REGISTERED_PER_ADDRESS = 25;
const AT_ONCE = 4;

/** Makes accounts, conversations and messages, over HTTP but for the age of the honest. Each step has to work. */
class Preparation {
  #agents = new Map();

  constructor(port) {
    this.port = port;
  }

  close() {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  /** @throws Failure when it is not answered as it must be before anybody attacks */
  async must(what, method, path, options, address = `${PREPARING}1`) {
    if (!this.#agents.has(address)) this.#agents.set(address, agentOf(address, 16));
    const answer = await call({ port: this.port, agent: this.#agents.get(address) }, method, path, options);
    if (answer.status < 200 || answer.status > 299)
      throw new Failure(`${what} could not be had before anybody attacked: ${answer.reason}`);
    return answer.body;
  }

  async account(n, name, address) {
    const from = `${PREPARING}${1 + Math.floor(n / REGISTERED_PER_ADDRESS)}`;
    const body = { email: `${name}@example.com`, password: 'correct horse battery' };
    const { access_token: token } = await this.must('an account', 'POST', '/auth/register', { body }, from);
    // A login from where it will be used: the address is known from then on, and strangers' guesses do not count against it.
    const login = await this.must('a login', 'POST', '/auth/login', { body }, address);
    const { id } = await this.must('an account', 'GET', '/auth/me', { token });
    return { n, id, ...body, address, token: login.access_token, refreshToken: login.refresh_token };
  }

  async conversation(owner, others, { assistant = 'off', kind = others.length === 0 ? 'assistant' : 'group' } = {}) {
    const body = { kind, assistant, ...(kind === 'group' ? { member_ids: others.map(({ id }) => id) } : {}) };
    return (await this.must('a conversation', 'POST', '/chat/conversations', { token: owner.token, body })).id;
  }

  send({ token }, conversation, content) {
    return this.must('a message', 'POST', `/chat/conversations/${conversation}/messages`, { token, body: { content } });
  }
}

/**
 * Everybody of the drill, and what they have before it begins.
 * @returns {Promise<{ honest: object[], attackers: Record<string, object[]>, large: string }>} `large`: a conversation of long messages
 * @throws Failure
 */
export async function makePeople(system) {
  const preparation = new Preparation(system.apis[0].port);
  try {
    const attackers = await makeAttackers(preparation);
    return { honest: await makeHonest(preparation, system), ...attackers };
  } finally {
    preparation.close();
  }
}

async function makeHonest(preparation, system) {
  const people = await atOnce(HONEST, (n) => preparation.account(n, `honest-${n}`, OFFICE));
  await age(system, people);
  const everybody = await preparation.conversation(people[0], people.slice(1));
  for (let first = 0; first < HONEST; first += GROUP) {
    const some = people.slice(first, first + GROUP);
    const group = await preparation.conversation(some[0], some.slice(1));
    for (const person of some) person.groups = [everybody, group];
  }
  await atOnce(HONEST, async (n) => {
    const person = people[n];
    const word = rareWord(randomOf(0, 'honest', n), n);
    person.own = await preparation.conversation(person, [], { assistant: 'always' });
    person.words = [word];
    for (const group of person.groups) await preparation.send(person, group, `Good morning, ${word} it is.`);
  });
  return people;
}

/** The one thing that cannot be had over HTTP: time. */
async function age(system, people) {
  const client = new pg.Client(system.engines.env.DATABASE_URL);
  await client.connect();
  try {
    await client.query(
      `update edgechat.accounts set created_at = created_at - make_interval(days => $1) where id = any($2::bigint[])`,
      [AGE_DAYS, people.map(({ id }) => id)],
    );
  } finally {
    await client.end();
  }
}

async function makeAttackers(preparation) {
  const size = Object.values(ROLES).reduce((sum, one) => sum + one, 0);
  const all = await atOnce(size, (n) =>
    preparation.account(HONEST + n, `stranger-${n}`, ATTACKING[n % ATTACKING.length]),
  );
  const left = [...all];
  const attackers = Object.fromEntries(Object.entries(ROLES).map(([role, count]) => [role, left.splice(0, count)]));
  const { texts, searches, pages, prompts } = attackers;
  await atOnce(size, async (n) => (all[n].own = await preparation.conversation(all[n], [])));
  // What one of them sends is there for all who search.
  for (const author of texts) author.shared = await preparation.conversation(author, searches);
  for (const asker of prompts) asker.asked = await preparation.conversation(asker, [], { assistant: 'always' });
  const crowd = await preparation.conversation(all[0], all.slice(1));
  for (const one of attackers.lists) one.crowd = crowd;
  const large = await preparation.conversation(pages[0], pages.slice(1));
  await atOnce(LARGE_MESSAGES, (n) => preparation.send(pages[n % pages.length], large, LARGE_TEXT));
  await pause(1_000); // what this owes is done
  return { attackers, large };
}

/** Does work 0 to `count` - 1, a few at a time. @returns {Promise<object[]>} in order */
async function atOnce(count, work) {
  const results = [];
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < count; n = next++) results[n] = await work(n);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}
