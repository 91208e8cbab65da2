import { Failure } from '../local-stack/processes.mjs';

const PEOPLE = 20;
/** The last three come and go. */
const ROTATING = [17, 18, 19];
const STEADY = Array.from({ length: PEOPLE }, (_, n) => n).filter((n) => !ROTATING.includes(n));

/** So many conversations fall silent during the drill: what is owed to them then is not paid by the way, when somebody sends again. */
const SILENT = 14;

/**
 * The 30 conversations: kind, when the assistant answers, who made it, who else is in it from the beginning, who comes and goes, and
 * after which share of the drill nobody sends any more.
 * @returns {{ kind: string, assistant: string, owner: number, others: number[], rotating: number[], silentAfter: number }[]}
 */
export function planConversations(random) {
  const modes = ['always', 'always', 'always', 'always', 'always', 'always', 'mention', 'off'];
  const alone = modes.map((assistant, owner) => ({ kind: 'assistant', assistant, owner, others: [], rotating: [] }));
  const pairs = modes.map((_, n) => ({
    kind: 'direct',
    assistant: n === 0 ? 'mention' : 'off',
    owner: 2 * n,
    others: [2 * n + 1],
    rotating: [],
  }));
  const group = (assistant, people, rotating = []) => ({
    kind: 'group',
    assistant,
    owner: people[0],
    others: people.slice(1),
    rotating,
  });
  const some = (least) =>
    random.shuffled(Array.from({ length: PEOPLE }, (_, n) => n)).slice(0, least + random.whole(5));
  const steady = ['off', 'off', 'off', 'mention', 'mention', 'mention', 'mention', 'always', 'always'].map(
    (assistant) => group(assistant, some(3)),
  );
  const everybody = group('off', random.shuffled(STEADY.concat(ROTATING)));
  const moving = ['off', 'mention', 'off', 'always'].map((assistant) =>
    group(assistant, random.shuffled(STEADY).slice(0, 3), ROTATING),
  );
  const silent = new Set(random.shuffled([...alone, ...pairs, ...steady]).slice(0, SILENT));
  return [...alone, ...pairs, ...steady, everybody, ...moving].map((plan) => ({
    ...plan,
    silentAfter: silent.has(plan) ? 0.1 + 0.9 * random.share() : Infinity,
  }));
}

/** Makes the accounts and conversations, before anything is hit: here everything has to work at the first try. @throws Failure */
export async function makeCast(doors, random, truth) {
  for (let n = 0; n < PEOPLE; n += 1) truth.addPerson(await makePerson(doors[n % 2], n));
  for (const [n, plan] of planConversations(random).entries()) {
    const id =
      plan.kind === 'direct'
        ? await makePair(doors, plan, truth.people)
        : await makeConversation(doors, plan, truth.people, `conversation ${n}`);
    truth.addConversation(id, plan);
  }
}

async function makePerson(door, n) {
  const email = `person-${n}@example.com`;
  const registered = await door.call('POST', '/auth/register', {
    body: { email, password: 'correct horse battery' },
    expects: [201],
  });
  const token = must(registered, 201, 'an account').body.access_token;
  const { id, display_name: name } = must(await door.call('GET', '/auth/me', { token }), 200, 'the account').body;
  return { n, id, name, token };
}

/** Asked for by both at once, on both APIs: it is one, whoever was first. */
async function makePair([first, second], { assistant, owner, others: [other] }, people) {
  const ask = (door, by, whom) =>
    door.call('POST', '/chat/conversations', {
      token: people[by].token,
      body: { kind: 'direct', member_ids: [people[whom].id], assistant },
      expects: [200, 201],
    });
  const both = await Promise.all([ask(first, owner, other), ask(second, other, owner)]);
  const statuses = both
    .map(({ status }) => status)
    .sort()
    .join(' and ');
  if (statuses !== '200 and 201' || both[0].body.id !== both[1].body.id)
    throw new Failure(
      `A direct conversation asked for from both sides at once was not one: ${statuses}, ${both[0].body.id}, ${both[1].body.id}`,
    );
  return both[0].body.id;
}

/** Asked for twice at once with one key: it is one. */
async function makeConversation(doors, { kind, assistant, owner, others }, people, key) {
  const body = {
    kind,
    title: key,
    assistant,
    ...(kind === 'group' ? { member_ids: others.map((n) => people[n].id) } : {}),
  };
  const both = await Promise.all(
    doors.map((door) =>
      door.call('POST', '/chat/conversations', { token: people[owner].token, body, key, expects: [200, 201] }),
    ),
  );
  const statuses = both
    .map(({ status }) => status)
    .sort()
    .join(' and ');
  if (statuses !== '200 and 201' || both[0].body.id !== both[1].body.id)
    throw new Failure(
      `A conversation asked for twice with one key was not one: ${statuses}, ${JSON.stringify(both[0].body)}`,
    );
  return both[0].body.id;
}

function must(answer, status, what) {
  if (answer.status !== status)
    throw new Failure(
      `${what} could not be had before anything was hit: ${answer.status} ${JSON.stringify(answer.body)}`,
    );
  return answer;
}
