import { randomUUID } from 'node:crypto';
import { eventually, startStack, type Client, type Stack } from '@edgechat/testing';
import { groupOf, inboxOf, membersOf, people, searched, upTo, type Person } from './people.js';

let stack: Stack;
let owner: Person;
let talker: Person;
let leaver: Person;
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 2 });
  [owner, talker, leaver] = (await people(stack, 3)) as [Person, Person, Person];
});
afterAll(() => stack.close());

/** Tries to get at a group; gives `open`, `shut` as to who never was in it, or what else came. */
type Door = (who: Client, group: string, word: string) => Promise<string>;
const asked =
  (method: string, path: string, body?: object): Door =>
  async (who, group) => {
    const answer = await who.call(method, `/chat/conversations/${group}${path}`, { body });
    return answer.status === 200
      ? 'open'
      : answer.status === 404 && answer.body['code'] === 'conversation_not_found'
        ? 'shut'
        : `${answer.status} ${JSON.stringify(answer.body)}`;
  };
const DOORS: Readonly<Record<string, Door>> = {
  'the conversation': asked('GET', ''),
  'a page of messages': asked('GET', '/messages?limit=5'),
  'the first page of messages': asked('GET', '/messages?limit=5&skip=0'),
  'one message': asked('GET', '/messages/1'),
  'the members': asked('GET', '/members'),
  'a send': asked('POST', '/messages', { content: 'let me in' }),
  'a repeat of a send': asked('POST', '/messages', { content: 'let me in', client_id: 'the same' }),
  'the read mark': asked('PUT', '/read', { seq: 1 }),
  'the inbox': async (who, group) => ((await inboxOf(who)).some(({ id }) => id === group) ? 'open' : 'shut'),
  'a search': async (who, group, word) =>
    (await searched(who, word)).some(({ conversation_id }) => conversation_id === group) ? 'open' : 'shut',
  'a search in it': async (who, group, word) => {
    const { status, body } = await who.get(`/search?q=${word}&conversation_id=${group}`);
    return status === 200 && body['hits'].length > 0
      ? 'open'
      : status === 404 && body['code'] === 'conversation_not_found'
        ? 'shut'
        : `${status} ${JSON.stringify(body)}`;
  },
};
const LANES = Object.entries(DOORS).flatMap(([name, door]) =>
  (
    [
      ['here', 'client'],
      ['there', 'there'],
    ] as const
  ).map(([where, device]) => ({ name: `${name}, ${where}`, door, device })),
);
const TRIES_AFTER = 4;

const allDoors = async (who: Person, group: string, word: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      LANES.map(async ({ name, door, device }) => [name, await door(who[device], group, word)] as const),
    ),
  );
const every = (state: string): Record<string, string> => Object.fromEntries(LANES.map(({ name }) => [name, state]));

/** Tries every door on both APIs without a pause, while others talk and `end` is answered; gives what came of the tries that began before, and after. */
async function hammered(
  who: Person,
  group: string,
  word: string,
  end: () => Promise<unknown>,
): Promise<{ before: Record<string, string>; after: Record<string, string[]> }> {
  let isOver = false;
  let isTalking = true;
  const before: Record<string, string> = {};
  const after: Record<string, string[]> = {};
  const talk = async (): Promise<void> => {
    for (let n = 0; isTalking; n += 1) await talker[n % 2 ? 'client' : 'there'].send(group, `talk ${n}`);
  };
  const lanes = LANES.map(async ({ name, door, device }) => {
    for (after[name] = []; after[name].length < TRIES_AFTER;) {
      const beganAfter = isOver;
      const state = await door(who[device], group, word);
      if (beganAfter) after[name].push(state);
      else before[name] ??= state;
    }
  });
  const talking = talk();
  await eventually(() => Object.keys(before).length === LANES.length, { everyMs: 5 });
  await end();
  isOver = true;
  await Promise.all(lanes);
  isTalking = false;
  await talking;
  return { before, after };
}
const shutForGood = (): Record<string, string[]> =>
  Object.fromEntries(LANES.map(({ name }) => [name, Array<string>(TRIES_AFTER).fill('shut')]));

/** A group of the three whose first message the leaver's searches find. */
async function aGroup(): Promise<{ group: string; word: string }> {
  const word = `w${randomUUID().replaceAll('-', '')}`;
  const group = await groupOf(owner, [talker, leaver]);
  await owner.client.send(group, `find ${word}`);
  await eventually(async () => (await searched(leaver.client, word)).length === 1, { withinMs: 10_000 });
  return { group, word };
}
const status = async (answer: Promise<{ status: number }>): Promise<void> => expect((await answer).status).toBe(204);

describe('guarantee 7: no door without a key', () => {
  it.each([
    ['is removed', (group: string) => owner.client.call('DELETE', `/chat/conversations/${group}/members/${leaver.id}`)],
    ['leaves', (group: string) => leaver.client.call('DELETE', `/chat/conversations/${group}/members/me`)],
  ])(
    'who %s gets through nowhere, on either API, from the moment that was answered; who is taken in again does everywhere, with all read',
    async (_, end) => {
      const { group, word } = await aGroup();
      for (let round = 0; round < 3; round += 1) {
        const { before, after } = await hammered(leaver, group, word, () => status(end(group)));

        expect(before).toEqual(every('open'));
        expect(after).toEqual(shutForGood());
        expect((await membersOf(owner.there, group)).map(({ account_id }) => account_id)).toEqual([
          owner.id,
          talker.id,
        ]);

        expect(
          (await owner.client.post(`/chat/conversations/${group}/members`, { account_ids: [leaver.id] })).status,
        ).toBe(200);
        for (const device of [leaver.client, leaver.there]) {
          const { body } = await device.get(`/chat/conversations/${group}`);
          expect(body['last_seq']).toBeGreaterThan(1);
          expect(body).toMatchObject({ read_seq: body['last_seq'], unread_count: 0, member_count: 3 });
        }
        expect(await allDoors(leaver, group, word)).toEqual(every('open'));
      }
      expect((await owner.client.messages(group)).map(({ seq }) => seq)).toEqual(
        upTo((await owner.client.messages(group)).length),
      );
    },
  );

  it('what its owner deletes is gone for its members everywhere from the moment that was answered', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { group, word } = await aGroup();

      const { before, after } = await hammered(leaver, group, word, () =>
        status(owner.client.call('DELETE', `/chat/conversations/${group}`)),
      );

      expect(before).toEqual(every('open'));
      expect(after).toEqual(shutForGood());
      for (const who of [owner, talker]) expect(await allDoors(who, group, word)).toEqual(every('shut'));
    }
  });

  it('a message that nobody could send any more is not there: what was accepted is all there is', async () => {
    const { group } = await aGroup();
    let isOver = false;
    const accepted: string[] = [];
    const lanes = upTo(6).map(async (lane) => {
      for (let n = 0; !isOver; n += 1) {
        const content = `lane ${lane} message ${n}`;
        if ((await leaver[lane % 2 ? 'client' : 'there'].send(group, content)).status === 200) accepted.push(content);
      }
    });
    await eventually(() => accepted.length > 6, { everyMs: 5 });

    await status(owner.client.call('DELETE', `/chat/conversations/${group}/members/${leaver.id}`));
    const seen = await owner.there.messages(group);
    isOver = true;
    await Promise.all(lanes);

    expect(await owner.client.messages(group)).toEqual(seen);
    expect(
      seen
        .filter(({ author_id }) => author_id === leaver.id)
        .map(({ content }) => content)
        .sort(),
    ).toEqual(accepted.sort());
  });

  it('who never was a member gets 404 to every call, on either API, and changes nothing', async () => {
    const { group, word } = await aGroup();
    const direct = await owner.client.conversation({ kind: 'direct', member_ids: [talker.id] });
    const [stranger] = (await people(stack, 1)) as [Person];
    const kept = async (): Promise<unknown> =>
      Promise.all(
        [group, direct].flatMap((id) =>
          ['', '/members', '/messages'].map(
            async (path) => (await owner.client.get(`/chat/conversations/${id}${path}`)).body,
          ),
        ),
      );
    const before = await kept();

    expect(await allDoors(stranger, group, word)).toEqual(every('shut'));
    for (const id of [group, direct, randomUUID()]) {
      for (const device of [stranger.client, stranger.there]) {
        const calls = [
          device.get(`/chat/conversations/${id}`),
          device.get(`/chat/conversations/${id}/members`),
          device.get(`/chat/conversations/${id}/messages`),
          device.get(`/chat/conversations/${id}/messages/1`),
          device.get(`/search?q=${word}&conversation_id=${id}`),
          device.send(id, 'hello', 'key'),
          device.call('PUT', `/chat/conversations/${id}/read`, { body: { seq: 1 } }),
          device.call('PATCH', `/chat/conversations/${id}`, { body: { title: 'mine' } }),
          device.post(`/chat/conversations/${id}/members`, { account_ids: [stranger.id] }),
          device.call('PATCH', `/chat/conversations/${id}/members/${owner.id}`, { body: { role: 'member' } }),
          device.call('DELETE', `/chat/conversations/${id}/members/${owner.id}`),
          device.call('DELETE', `/chat/conversations/${id}/members/me`),
          device.call('DELETE', `/chat/conversations/${id}`),
        ];
        const answers = await Promise.all(calls);
        expect(answers.map(({ status: code, body }) => [code, body['code']])).toEqual(
          calls.map(() => [404, 'conversation_not_found']),
        );
      }
    }
    expect(await kept()).toEqual(before);
  });
});
