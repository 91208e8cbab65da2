import { randomUUID } from 'node:crypto';
import { startStack, type Answer, type Client, type Stack } from '@edgechat/testing';
import type { Scene } from './inputs.js';
import { expectProblem, expectWrongFields, oneByOne } from './problems.js';
import { aFullGroup, idOf, refused as refusedIn, setScene, someAccounts } from './scene.js';

/** Bad input to the calls about people, members, read marks and single messages: 4xx with a sentence that helps, and nothing changed for anybody. */
let stack: Stack;
let scene: Scene & { readonly member: Client };
let stranger: Client;
let mine: number;
let third: number;
let direct: string;
beforeAll(async () => {
  stack = await startStack({ apis: 1, workers: 1 });
  scene = await setScene(stack);
  stranger = await stack.client().register();
  [mine, third] = [await idOf(scene.client), await idOf(stranger)];
  direct = await scene.client.conversation({ kind: 'direct', member_ids: [scene.other] });
});
afterEach(() => expect(stack.apis[0]?.output).not.toContain('a request failed by a bug'));
afterAll(() => stack.close());

/** Makes a call that must be refused; what the owner and the member of the group see stays. */
const refused = (call: () => Promise<Answer>): Promise<Answer> =>
  refusedIn([scene, { ...scene, client: scene.member, conversation: scene.group }], call);
const CONVERSATIONS = '/chat/conversations';
const create = (body: object, key?: string): Promise<Answer> =>
  scene.client.post(CONVERSATIONS, body, { headers: key === undefined ? {} : { 'idempotency-key': key } });
const groupPath = (rest: string): string => `${CONVERSATIONS}/${scene.group}${rest}`;
/** Names for the accounts of the scene, since ids are not known when cases are listed. */
const idsOf = (names: readonly unknown[]): unknown[] =>
  names.map((name) => ({ me: mine, other: scene.other, third })[String(name)] ?? name);

/** No account has these, however large an id may be. */
const BEYOND = [999_999_999, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 1e300];
/** What is no account's id and no seq in a path. */
const NO_ORDINALS = [
  '0',
  '-1',
  '01',
  '1.0',
  '1e0',
  '+1',
  '%201',
  'x',
  'ME',
  'null',
  '%00',
  '%D9%A1',
  '9007199254740993',
  '9223372036854775808',
  '9'.repeat(1_000),
];

describe('GET /accounts', () => {
  it.each([
    '',
    '?email=',
    '?email=x',
    '?email=a@b',
    '?email=a%20b@example.com',
    '?email=a@example.com%00',
    '?email=a@example.com&email=b@example.com',
    '?email[]=a@example.com',
    `?email=${'x'.repeat(300)}@example.com`,
  ])('is 422 for what is no address: %s', async (query) => {
    expectWrongFields(await refused(() => scene.client.get(`/accounts${query}`)), ['/email']);
  });

  it('says how + is written in a URL, where it came as a blank', async () => {
    const answer = await refused(() => scene.client.get('/accounts?email=ada+lists@example.com'));
    expect(String(answer.body['detail'])).toContain('%2B');
    expect(String((await refused(() => scene.client.get('/accounts?email=x'))).body['detail'])).not.toContain('%2B');
  });

  it('finds an account by its whole address in any case, and shows its id and name only', async () => {
    const found = { accounts: [{ id: scene.other, display_name: `User ${scene.other}` }] };
    for (const email of [scene.member.email, scene.member.email.toUpperCase()]) {
      const answer = await scene.client.get(`/accounts?email=${encodeURIComponent(email)}`);
      expect([answer.status, answer.body]).toEqual([200, found]);
    }
    for (const email of [`x${scene.member.email}`, `${scene.member.email}x`, '%25@example.com', '_@example.com'])
      expect((await scene.client.get(`/accounts?email=${email}`)).body).toEqual({ accounts: [] });
  });

  it('is 429 after 30 in a minute, for that account only, and nothing else is', async () => {
    const curious = await stack.client().register();
    const answers = await oneByOne(
      Array.from({ length: 31 }, () => () => curious.get(`/accounts?email=${scene.client.email}`)),
    );
    expect(answers.slice(0, 30).map(({ status }) => status)).toEqual(Array(30).fill(200));
    expectProblem(answers[30]!, 429, 'too_many_lookups');
    expect(Number(answers[30]?.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect((await curious.get('/auth/me')).status).toBe(200);
    expect((await stranger.get(`/accounts?email=${curious.email}`)).body['accounts']).toHaveLength(1);
  });
});

describe('a list of members', () => {
  const WRONG_ITEMS = [
    ['a text', '5'],
    ['null', null],
    ['true', true],
    ['a fraction', 1.5],
    ['zero', 0],
    ['a negative number', -7],
    ['an object', { id: 1 }],
    ['a list', [1]],
    ['{"$gt": 0}', { $gt: 0 }],
  ] as const;
  it.each(WRONG_ITEMS)('is 422 when an item is %s, and says which', async (_, item) => {
    expectWrongFields(
      await refused(() => create({ kind: 'group', member_ids: [scene.other, third, scene.other, item] })),
      ['/member_ids/3'],
    );
    expectWrongFields(
      await refused(() => scene.client.post(groupPath('/members'), { account_ids: [item, third, item] })),
      ['/account_ids/0', '/account_ids/2'],
    );
  });

  it('is 422 when it has 1,001 items, with a code of its own, and right with 1,000', async () => {
    const ids = (count: number): number[] => Array.from({ length: count }, () => scene.other);
    const answers = [
      await refused(() => create({ kind: 'group', member_ids: ids(1_001) })),
      await refused(() => scene.client.post(groupPath('/members'), { account_ids: ids(1_001) })),
    ];
    expect(answers.map(({ body }) => body['errors'][0])).toMatchObject([
      { field: '/member_ids', code: 'too_many' },
      { field: '/account_ids', code: 'too_many' },
    ]);
    const added = await scene.client.post(groupPath('/members'), { account_ids: ids(1_000) });
    expect([added.status, added.body['members'].length]).toEqual([200, 1]);
  });

  it('is 422 when it is empty where somebody has to be named', async () => {
    expect(
      (await refused(() => scene.client.post(groupPath('/members'), { account_ids: [] }))).body['errors'],
    ).toMatchObject([{ field: '/account_ids', code: 'too_few' }]);
  });

  it.each(BEYOND)('is 422 when nobody has the id %d, of the list as a whole', async (id) => {
    for (const answer of [
      await refused(() => create({ kind: 'group', member_ids: [scene.other, id] })),
      await refused(() => create({ kind: 'direct', member_ids: [id] })),
    ]) {
      expectProblem(answer, 422, 'unknown_account');
      expect(answer.body['errors']).toMatchObject([{ field: '/member_ids', code: 'unknown_account' }]);
    }
    const answer = await refused(() => scene.client.post(groupPath('/members'), { account_ids: [third, id] }));
    expectProblem(answer, 422, 'unknown_account');
    expect(answer.body['errors']).toMatchObject([{ field: '/account_ids', code: 'unknown_account' }]);
  });

  it('of digits without end is refused like any unknown account', async () => {
    const raw = `{"kind":"group","member_ids":[${'9'.repeat(400)}]}`;
    expectProblem(await refused(() => scene.client.call('POST', CONVERSATIONS, { raw })), 422, 'unknown_account');
  });
});

describe('POST /chat/conversations', () => {
  it.each([
    ['a direct with nobody', { kind: 'direct' }, 'direct_needs_one_other'],
    ['a direct with an empty list', { kind: 'direct', member_ids: [] }, 'direct_needs_one_other'],
    ['a direct with oneself', { kind: 'direct', member_ids: ['me'] }, 'direct_needs_one_other'],
    ['a direct with two others', { kind: 'direct', member_ids: ['other', 'third'] }, 'direct_needs_one_other'],
    ['an assistant of two', { kind: 'assistant', member_ids: ['other'] }, 'assistant_takes_no_members'],
    ['two without a kind', { member_ids: ['other'] }, 'assistant_takes_no_members'],
  ])('refuses %s with a code of its own', async (_, body, code) => {
    const member_ids = 'member_ids' in body ? { member_ids: idsOf(body.member_ids) } : {};
    expectProblem(await refused(() => create({ ...body, ...member_ids })), 422, code);
  });

  it('refuses a key that came with other members', async () => {
    const key = randomUUID();
    expect((await create({ kind: 'group', member_ids: [scene.other] }, key)).status).toBe(201);
    expectProblem(
      await refused(() => create({ kind: 'group', member_ids: [third] }, key)),
      422,
      'idempotency_key_reused',
    );
    expectProblem(await refused(() => create({ kind: 'group' }, key)), 422, 'idempotency_key_reused');
  });

  it('refuses a title of 10,000 characters as too long', async () => {
    for (const answer of [
      await refused(() => create({ title: 'x'.repeat(10_000) })),
      await refused(() => scene.client.call('PATCH', groupPath(''), { body: { title: 'x'.repeat(10_000) } })),
    ]) {
      expect([answer.status, answer.body['errors']]).toMatchObject([422, [{ field: '/title', code: 'too_long' }]]);
    }
  });

  it('takes the creator, and anybody twice, without a word', async () => {
    const again = await create({ kind: 'direct', member_ids: idsOf(['other', 'me', 'other']) });
    expect([again.status, again.body['id'], again.headers.get('idempotency-replayed')]).toEqual([200, direct, null]);
    const alone = await create({ kind: 'assistant', member_ids: [mine] });
    expect([alone.status, alone.body['member_count']]).toEqual([201, 1]);
    const group = await create({ kind: 'group', member_ids: idsOf(['me', 'other', 'me', 'other']) });
    expect([group.status, group.body['member_count']]).toEqual([201, 2]);
  });
});

describe('PATCH /chat/conversations/{id}', () => {
  it('is 422 for a mode of null: only a title can be taken away', async () => {
    expectWrongFields(
      await refused(() => scene.client.call('PATCH', groupPath(''), { body: { title: null, assistant: null } })),
      ['/assistant'],
    );
  });

  it.each([undefined, {}, { kind: 'direct', member_ids: [1], my_role: 'admin', last_seq: 0 }])(
    'changes nothing with a body that names none of its fields: %j',
    async (body) => {
      const before = await scene.client.get(groupPath(''));
      const answer = await scene.client.call('PATCH', groupPath(''), { body });
      expect([answer.status, answer.body]).toEqual([200, before.body]);
    },
  );

  it('is 403 for a member, and 404 for a stranger', async () => {
    expectProblem(
      await refused(() => scene.member.call('PATCH', groupPath(''), { body: { title: 'mine' } })),
      403,
      'not_allowed',
    );
    expectProblem(
      await refused(() => stranger.call('PATCH', groupPath(''), { body: { title: 'mine' } })),
      404,
      'conversation_not_found',
    );
  });
});

it('DELETE of a group is 403 for a member', async () => {
  expectProblem(await refused(() => scene.member.call('DELETE', groupPath(''))), 403, 'not_allowed');
});

describe('a member in the path', () => {
  it.each([...NO_ORDINALS, '9007199254740991', '999999999', 'third'])('is 404 when nobody is %s', async (given) => {
    const path = groupPath(`/members/${given.replace('third', String(third))}`);
    expectProblem(
      await refused(() => scene.client.call('PATCH', path, { body: { role: 'admin' } })),
      404,
      'member_not_found',
    );
    expectProblem(await refused(() => scene.client.call('DELETE', path)), 404, 'member_not_found');
  });

  it("is not read when the conversation is somebody else's", async () => {
    for (const who of ['me', String(scene.other), String(third)]) {
      expectProblem(
        await refused(() => stranger.call('PATCH', groupPath(`/members/${who}`), { body: { role: 'admin' } })),
        404,
        'conversation_not_found',
      );
      expectProblem(
        await refused(() => stranger.call('DELETE', groupPath(`/members/${who}`))),
        404,
        'conversation_not_found',
      );
    }
  });
});

describe('what members may not do', () => {
  it('the owner is not removed, by nobody, and does not lay ownership down', async () => {
    await scene.client.call('PATCH', groupPath(`/members/${scene.other}`), { body: { role: 'admin' } });
    expectProblem(
      await refused(() => scene.member.call('DELETE', groupPath(`/members/${mine}`))),
      403,
      'owner_not_removable',
    );
    for (const who of ['me', mine])
      expectProblem(
        await refused(() => scene.client.call('PATCH', groupPath(`/members/${who}`), { body: { role: 'member' } })),
        409,
        'owner_must_stay',
      );
    expectProblem(
      await refused(() => scene.member.call('PATCH', groupPath('/members/me'), { body: { role: 'owner' } })),
      403,
      'not_allowed',
    );
    await scene.client.call('PATCH', groupPath(`/members/${scene.other}`), { body: { role: 'member' } });
    expectProblem(
      await refused(() => scene.member.call('DELETE', groupPath(`/members/${mine}`))),
      403,
      'owner_not_removable',
    );
    expectProblem(
      await refused(() => scene.member.post(groupPath('/members'), { account_ids: [third] })),
      403,
      'not_allowed',
    );
    expectProblem(
      await refused(() => stranger.post(groupPath('/members'), { account_ids: [third] })),
      404,
      'conversation_not_found',
    );
  });

  it('a conversation that is no group keeps its members', async () => {
    for (const id of [scene.conversation, direct]) {
      const members = `${CONVERSATIONS}/${id}/members`;
      expectProblem(await refused(() => scene.client.post(members, { account_ids: [third] })), 409, 'groups_only');
      expectProblem(
        await refused(() => scene.client.call('PATCH', `${members}/me`, { body: { role: 'admin' } })),
        409,
        'groups_only',
      );
      expectProblem(await refused(() => scene.client.call('DELETE', `${members}/${scene.other}`)), 409, 'groups_only');
    }
    for (const one of [scene.client, scene.member])
      expectProblem(
        await refused(() => one.call('DELETE', `${CONVERSATIONS}/${direct}/members/me`)),
        409,
        'direct_stays',
      );
  });
});

it('a group of 10,000 takes nobody more, neither one nor some of a thousand', async () => {
  const full = await aFullGroup(stack, scene.client);
  const members = async (): Promise<number> =>
    Number((await scene.client.get(`${CONVERSATIONS}/${full}`)).body['member_count']);
  for (const account_ids of [[third], await someAccounts(stack, 1_000)])
    expectProblem(
      await refused(() => scene.client.post(`${CONVERSATIONS}/${full}/members`, { account_ids })),
      409,
      'group_full',
    );
  expect(await members()).toBe(10_000);
});

describe('PUT /chat/conversations/{id}/read', () => {
  const read = (raw: string): Promise<Answer> => scene.member.call('PUT', groupPath('/read'), { raw });

  it.each(['"1"', 'null', 'true', '1.5', '-1', '-1e300', '-1e999', '[1]', '{}', '""'])(
    'is 422 for %s, and moves nothing',
    async (seq) => {
      expectWrongFields(await refused(() => read(`{"seq":${seq}}`)), ['/seq']);
    },
  );

  it.each([
    '0',
    '-0',
    '1',
    '1.0',
    '2',
    '9007199254740991',
    '9007199254740993',
    '9223372036854775808',
    '1e300',
    '9'.repeat(400),
  ])('takes %s, and never goes past the last message or back', async (seq) => {
    const last = Number((await scene.member.get(groupPath(''))).body['last_seq']);
    const answer = await read(`{"seq":${seq}}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ read_seq: expect.any(Number), unread_count: last - Number(answer.body['read_seq']) });
    expect(answer.body['read_seq']).toBeLessThanOrEqual(last);
    await read('{"seq":1e300}');
    expect((await read('{"seq":0}')).body).toEqual({ read_seq: last, unread_count: 0 });
  });

  it('is 404 for who is no member', async () => {
    expectProblem(
      await refused(() => stranger.call('PUT', groupPath('/read'), { body: { seq: 1 } })),
      404,
      'conversation_not_found',
    );
  });
});

describe('GET /chat/conversations/{id}/messages/{seq}', () => {
  it.each([...NO_ORDINALS, '2', '9007199254740991'])('is 404 when there is no message %s', async (seq) => {
    expectProblem(await refused(() => scene.client.get(groupPath(`/messages/${seq}`))), 404, 'message_not_found');
  });

  it('is the message to a member, with its client key to its author only, and 404 to a stranger', async () => {
    const {
      body: { user_message: sent },
    } = await scene.client.send(scene.conversation, 'one more', 'a key');
    const one = await scene.client.get(`${CONVERSATIONS}/${scene.conversation}/messages/${sent.seq}`);
    expect([one.status, one.body]).toEqual([200, sent]);
    expect((await scene.member.get(groupPath('/messages/1'))).body).toMatchObject({
      seq: 1,
      content: 'kept',
      client_id: null,
    });
    expectProblem(await refused(() => stranger.get(groupPath('/messages/1'))), 404, 'conversation_not_found');
  });
});

describe('a cursor', () => {
  /** Where each cursor is from: the owner's and the member's list of members of the group and of another one, and both inboxes. */
  const cursors = async (): Promise<Record<string, string>> => {
    const another = await scene.client.conversation({ kind: 'group', member_ids: [scene.other] });
    const first = async (client: Client, path: string): Promise<string> =>
      String((await client.get(`${path}?limit=1`)).body['next_cursor']);
    return {
      ownMembers: await first(scene.client, groupPath('/members')),
      membersOfAnother: await first(scene.client, `${CONVERSATIONS}/${another}/members`),
      membersByAnother: await first(scene.member, groupPath('/members')),
      ownInbox: await first(scene.client, CONVERSATIONS),
      inboxOfAnother: await first(scene.member, CONVERSATIONS),
    };
  };
  let all: Record<string, string>;
  beforeAll(async () => {
    all = await cursors();
  });

  it.each([
    ['members', 'membersOfAnother'],
    ['members', 'membersByAnother'],
    ['members', 'ownInbox'],
    ['members', 'inboxOfAnother'],
    ['conversations', 'inboxOfAnother'],
    ['conversations', 'ownMembers'],
    ['conversations', 'membersByAnother'],
  ] as const)('of another list is 422 bad_cursor: %s, %s', async (list, which) => {
    expect(all[which]).toMatch(/^[\w-]{20,}$/);
    const url = list === 'members' ? groupPath('/members') : CONVERSATIONS;
    const answer = await refused(() => scene.client.get(`${url}?cursor=${all[which]}`));
    expectWrongFields(answer, ['/cursor']);
    expect(answer.body['errors']).toMatchObject([{ code: 'bad_cursor' }]);
  });

  it.each(['', 'x', '%00', 'null', '%5B%5D', 'OWNx', 'OWN=', 'OWN&cursor=OWN', 'x'.repeat(5_000)])(
    'of members is 422 when it is %s',
    async (cursor) => {
      expectWrongFields(
        await refused(() =>
          scene.client.get(groupPath(`/members?cursor=${cursor.replaceAll('OWN', String(all['ownMembers']))}`)),
        ),
        ['/cursor'],
      );
    },
  );

  it.each([
    ['"9"', '2'],
    ['1795521600000', '0'],
    ['1795521600000', '1.5'],
    ['1e300', '2'],
    ['-1', '2'],
    ['null', 'null'],
    ['{}', '[]'],
  ])('that was forged is refused, never a bug: %s, %s', async (at, id) => {
    const forged = Buffer.from(`[["members",${mine},"${scene.group}"],[${at},${id}]]`).toString('base64url');
    expectWrongFields(await refused(() => scene.client.get(groupPath(`/members?cursor=${forged}`))), ['/cursor']);
  });

  it("of one's own goes on behind the page before", async () => {
    const page = await scene.client.get(groupPath(`/members?limit=1&cursor=${all['ownMembers']}`));
    expect([page.status, page.body]).toMatchObject([
      200,
      { members: [{ account_id: scene.other }], next_cursor: null },
    ]);
  });
});

describe('a query of members that can never be right', () => {
  it.each(['limit=x', 'limit=', 'limit=1&limit=1', 'limit=1.0'])('is 422: %s', async (query) => {
    expectWrongFields(await refused(() => scene.client.get(groupPath(`/members?${query}`))), ['/limit']);
  });

  it.each([`limit=${'9'.repeat(400)}`, 'limit=-5', 'skip=x', 'unknown=1&unknown=2'])(
    'is none when it is %s',
    async (query) => {
      expect((await scene.client.get(groupPath(`/members?${query}`))).status).toBe(200);
    },
  );
});
