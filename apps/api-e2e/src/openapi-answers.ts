import { randomUUID } from 'node:crypto';
import { Client, sql, type Answer, type Call, type Stack } from '@edgechat/testing';
import { PASSWORD } from './inputs.js';
import {
  CONVERSATION,
  CONVERSATIONS,
  HEALTH,
  MEMBER,
  MEMBERS,
  MESSAGES,
  SESSIONS,
  WITH_BODY,
  filled,
  type Place,
  type Seen,
} from './openapi-places.js';
import { exchange, rawRequest } from './raw-http.js';
import { aFullGroup, fillWithLargeGroups, idOf, someAccounts } from './scene.js';

type See = (client: Client, operation: string, call?: Call & Place) => Promise<Answer>;

const anEmail = (): string => `${randomUUID()}@example.com`;

/** Calls every operation in every way that a client can, and collects the answers. */
export class Answers {
  readonly seen: Seen[] = [];

  readonly see: See = async (client, operation, { id, account_id, seq, query = '', ...call } = {}) => {
    const [method = '', path = ''] = operation.split(' ');
    const answer = await client.call(method.toUpperCase(), `/${filled(path, { id, account_id, seq })}${query}`, call);
    this.seen.push({ operation, answer });
    return answer;
  };

  /** Successes, and the refusals that are a call's own. */
  async ofItsOwn(client: Client): Promise<void> {
    const { see } = this;
    for (const operation of [...HEALTH, 'get /', 'get /api/v1/auth/me', 'get /api/v1/usage/me'])
      await see(client, operation);
    await this.ofAccounts(client);
    await this.ofSessions(client);
    await this.ofChats(client);
    await see(client, 'post /api/v1/ai/complete', { body: { prompt: 'hello' } });
  }

  private async ofAccounts(client: Client): Promise<void> {
    const { see } = this;
    const email = anEmail();
    await see(client, 'post /api/v1/auth/register', { body: { email, password: PASSWORD } });
    await see(client, 'post /api/v1/auth/register', { body: { email, password: PASSWORD } });
    await see(client, 'post /api/v1/auth/register', { body: { email, password: 'password123' } });
    const { body } = await see(client, 'post /api/v1/auth/login', { body: { email, password: PASSWORD } });
    await see(client, 'post /api/v1/auth/refresh', { body: { refresh_token: body['refresh_token'] } });
    await see(client, 'post /api/v1/auth/refresh', { body: { refresh_token: 'unknown' } });
    await see(client, 'post /api/v1/auth/logout', { body: { refresh_token: body['refresh_token'] } });
    await see(client, 'patch /api/v1/auth/me', { body: { display_name: 'Ada' } });
    for (const new_password of [PASSWORD, 'password123'])
      await see(client, 'post /api/v1/auth/password', { body: { old_password: PASSWORD, new_password } });
    for (let n = 0; n < 11; n += 1)
      await see(client, 'post /api/v1/auth/password', { body: { old_password: 'wrong', new_password: PASSWORD } });
    for (let n = 0; n < 11; n += 1)
      await see(client, 'post /api/v1/auth/login', { body: { email: `nobody.${email}`, password: 'wrong' } });
  }

  private async ofSessions(client: Client): Promise<void> {
    const { see } = this;
    const holding = ({ body }: Answer): Client =>
      Object.assign(client.at(client.url), { token: String(body['access_token']) });
    const credentials = { email: anEmail(), password: PASSWORD };
    const mine = holding(await see(client, 'post /api/v1/auth/register', { body: credentials }));
    const other = holding(await see(client, 'post /api/v1/auth/login', { body: credentials }));
    const listed = await see(mine, `get ${SESSIONS}`);
    const ids = (listed.body['sessions'] as { id: string }[]).map(({ id }) => id);
    for (const id of [...ids.slice(0, 1), 'x']) await see(other, `delete ${SESSIONS}/{id}`, { id });
    const anew = holding(
      await see(other, 'post /api/v1/auth/password', {
        body: { old_password: PASSWORD, new_password: PASSWORD },
        headers: { prefer: 'return=representation' },
      }),
    );
    await see(anew, `delete ${SESSIONS}`);
  }

  private async ofChats(client: Client): Promise<void> {
    const { see } = this;
    const key = { headers: { 'idempotency-key': randomUUID() } };
    const {
      body: { id },
    } = await see(client, `post ${CONVERSATIONS}`, { body: { title: 'one' }, ...key });
    for (const body of [{ title: 'one' }, { title: 'two' }])
      await see(client, `post ${CONVERSATIONS}`, { body, ...key });
    await see(client, `post ${CONVERSATIONS}`, { body: { kind: 'party' } });
    await see(client, `post ${CONVERSATIONS}`, { body: { assistant: 'off' } });
    for (const content of ['hello', 'hello', 'another'])
      await see(client, `post ${MESSAGES}`, { id, body: { content }, ...key });
    await see(client, `post ${MESSAGES}`, { id, body: { content: 'hello' } });
    for (const query of ['', '?limit=1', '?skip=1', '?before_seq=3', '?after_seq=1', '?limit=x'])
      await see(client, `get ${MESSAGES}`, { id, query });
    for (const query of ['', '?limit=1', '?skip=1', '?limit=x', '?cursor=x'])
      await see(client, `get ${CONVERSATIONS}`, { query });
    for (const body of [{}, { title: null, assistant: 'off' }, { title: '' }])
      await see(client, `patch ${CONVERSATION}`, { id, body });
    for (const body of [{ seq: 1 }, { seq: '1' }]) await see(client, `put ${CONVERSATION}/read`, { id, body });
    for (const seq of [1, 2, 1_000]) await see(client, `get ${MESSAGES}/{seq}`, { id, seq });
    await see(client, `get ${CONVERSATION}`, { id });
    await see(client, `delete ${CONVERSATION}`, { id });
    for (const operation of [
      `get ${CONVERSATION}`,
      `delete ${CONVERSATION}`,
      `get ${MESSAGES}`,
      `get ${MESSAGES}/{seq}`,
      `get ${MEMBERS}`,
      `delete ${MEMBER}`,
    ])
      await see(client, operation, { id });
    for (const [operation, body] of [
      [`patch ${CONVERSATION}`, {}],
      [`put ${CONVERSATION}/read`, { seq: 1 }],
      [`post ${MEMBERS}`, { account_ids: [1] }],
      [`patch ${MEMBER}`, { role: 'admin' }],
    ] as const)
      await see(client, operation, { id, body });
    await see(client, `post ${MESSAGES}`, { id, body: { content: 'hello' } });
  }

  /** Successes and refusals of the calls about people and members. `stack` has a FAN_OUT_WRITE_LIMIT of 2. */
  async ofMembers(stack: Stack): Promise<void> {
    const [owner, member] = [await stack.client().register(), await stack.client().register()];
    const [me, other, ...third] = [await idOf(owner), await idOf(member), ...(await someAccounts(stack, 1))];
    await this.ofLookups(owner, member);
    for (const query of ['?q=hello', '?q=%21', '', '?q=hello&cursor=x', '?q=hello&conversation_id=x'])
      await this.see(owner, 'get /api/v1/search', { query });
    await this.see(owner, 'get /api/v1/search', { query: `?q=${encodeURIComponent('字 a '.repeat(9))}` });
    const id = await this.ofKinds(owner, other);
    await this.ofRoles(owner, member, { id, me, other, third });
    await this.ofLimits(stack, { other, third });
  }

  private async ofLookups(owner: Client, member: Client): Promise<void> {
    const { see } = this;
    for (const email of [member.email, `nobody.${member.email}`, 'x'])
      await see(owner, 'get /api/v1/accounts', { query: `?email=${email}` });
    for (let n = 0; n < 31; n += 1) await see(owner, 'get /api/v1/accounts', { query: `?email=${member.email}` });
  }

  /** Gives the id of a group of both. */
  private async ofKinds(owner: Client, other: number): Promise<string> {
    const { see } = this;
    const bodies = [
      { kind: 'direct', member_ids: [other] },
      { kind: 'direct', member_ids: [other] },
      { kind: 'direct' },
      { kind: 'assistant', member_ids: [other] },
      { kind: 'group', member_ids: [2 ** 53 - 1] },
      { kind: 'group', member_ids: ['x'] },
    ];
    const [direct] = await Promise.all(bodies.map((body) => see(owner, `post ${CONVERSATIONS}`, { body })));
    const ofTwo = { id: direct?.body['id'] as string };
    await see(owner, `delete ${MEMBER}`, ofTwo);
    await see(owner, `delete ${MEMBER}`, { ...ofTwo, account_id: other });
    await see(owner, `post ${MEMBERS}`, { ...ofTwo, body: { account_ids: [other] } });
    await see(owner, `patch ${MEMBER}`, { ...ofTwo, account_id: other, body: { role: 'admin' } });

    const [key, body] = [{ headers: { 'idempotency-key': randomUUID() } }, { kind: 'group', member_ids: [other] }];
    const left = String((await see(owner, `post ${CONVERSATIONS}`, { body, ...key })).body['id']);
    await see(owner, `delete ${MEMBER}`, { id: left });
    await see(owner, `post ${CONVERSATIONS}`, { body, ...key });
    return owner.conversation(body);
  }

  private async ofRoles(
    owner: Client,
    member: Client,
    { id, me, other, third }: { id: string; me: number; other: number; third: readonly number[] },
  ): Promise<void> {
    const { see } = this;
    for (const account_ids of [[other], ['x'], [2 ** 53 - 1]])
      await see(owner, `post ${MEMBERS}`, { id, body: { account_ids } });
    for (const query of ['', '?limit=1', '?cursor=x']) await see(owner, `get ${MEMBERS}`, { id, query });
    for (const [account_id, role] of [
      [other, 'admin'],
      [other, 'member'],
      ['me', 'member'],
      ['x', 'member'],
      [other, 'king'],
    ] as const)
      await see(owner, `patch ${MEMBER}`, { id, account_id, body: { role } });
    await see(member, `patch ${CONVERSATION}`, { id, body: { title: 'mine' } });
    await see(member, `delete ${CONVERSATION}`, { id });
    await see(member, `post ${MEMBERS}`, { id, body: { account_ids: third } });
    await see(member, `patch ${MEMBER}`, { id, account_id: 'me', body: { role: 'owner' } });
    await see(member, `delete ${MEMBER}`, { id, account_id: me });
    await owner.post(`/chat/conversations/${id}/members`, { account_ids: third });
    await see(member, `delete ${MEMBER}`, { id, account_id: third[0] });
    await see(owner, `delete ${MEMBER}`, { id, account_id: third[0] });
    await see(owner, `delete ${MEMBER}`, { id, account_id: third[0] });
  }

  /** Groups of three are large ones here, and an account can be in 500. */
  private async ofLimits(stack: Stack, { other, third }: { other: number; third: readonly number[] }): Promise<void> {
    const owner = await stack.client().register();
    await this.see(owner, `post ${MEMBERS}`, { id: await aFullGroup(stack, owner), body: { account_ids: [other] } });
    await fillWithLargeGroups(stack, other);
    const members = [other, ...third];
    await this.see(owner, `post ${CONVERSATIONS}`, { body: { kind: 'group', member_ids: members } });
    await this.see(owner, `post ${MEMBERS}`, {
      id: await owner.conversation({ kind: 'group' }),
      body: { account_ids: members },
    });
  }

  /** What every call of its sort answers to what is broken, without a token, and too often. `limited` is a client of an API whose limit is used up. */
  async ofAllCalls(client: Client, limited: Client, operations: readonly string[]): Promise<void> {
    for (const operation of operations) await this.see(client, operation, { query: '?x=%ff' });
    for (const operation of operations.filter((one) => !HEALTH.includes(one))) {
      const [method = '', path = ''] = operation.split(' ');
      const line = `${method.toUpperCase()} ${filled(path)}`;
      for (const headers of [['Host: twice.example'], [`X-Long: ${'x'.repeat(17_000)}`]])
        this.seen.push({ operation, answer: await exchange(client.url, rawRequest(line, headers)) });
      await this.see(limited, operation);
      await this.see(Object.assign(client.at(client.url), { token: null }), operation, {
        body: WITH_BODY.includes(operation) ? {} : undefined,
      });
    }
    for (const operation of operations.filter((one) => !one.startsWith('get'))) {
      for (const call of [
        { raw: '{' },
        { raw: `"${'x'.repeat(1_048_576)}"` },
        { raw: 'x', headers: { 'content-type': 'text/plain' } },
        { raw: '[]' },
      ])
        await this.see(client, operation, call);
    }
  }

  /** What calls answer to who used up a day's text, or its tokens, and where nobody may search, or meet a stranger. */
  async ofSpent({
    text,
    tokens,
    searches,
    strangers,
  }: Record<'text' | 'tokens' | 'searches' | 'strangers', Client>): Promise<void> {
    const id = await text.conversation();
    for (const client of [text, tokens]) await this.see(client, `post ${MESSAGES}`, { id, body: { content: 'hello' } });
    await this.see(tokens, 'post /api/v1/ai/complete', { body: { prompt: 'hello' } });
    await this.see(searches, 'get /api/v1/search', { query: '?q=hello' });
    const other = await idOf(await new Client(strangers.url).register());
    await this.see(strangers, `post ${CONVERSATIONS}`, { body: { kind: 'direct', member_ids: [other] } });
    await this.see(strangers, `post ${MEMBERS}`, {
      id: await strangers.conversation({ kind: 'group' }),
      body: { account_ids: [other] },
    });
  }

  /** What keeps people out: `closed` is a client of an API that lets nobody register, `invited` of one that asks for a code and then lets nobody from this address. */
  async ofDoors(stack: Stack, { closed, invited }: Record<'closed' | 'invited', Client>): Promise<void> {
    const account = { email: anEmail(), password: PASSWORD };
    await sql(
      stack.databaseUrl,
      `insert into edgechat.invites (code_hash, uses_left, expires_at) values (sha256('C0DE'), 1, clock_timestamp() + interval '1 hour')`,
    );
    await this.see(closed, 'post /api/v1/auth/register', { body: account });
    for (const invite_code of [undefined, 'another', 'code'])
      await this.see(invited, 'post /api/v1/auth/register', { body: { ...account, invite_code } });

    const locked = await stack.client().register(account.email, PASSWORD);
    await sql(stack.databaseUrl, 'update edgechat.accounts set locked_at = clock_timestamp() where email = $1', [
      locked.email,
    ]);
    await this.see(locked, 'post /api/v1/auth/login', { body: account });
  }

  /** What calls answer when the stores are away. `lost` is a client, with a token, of an API that finds none. */
  async withoutStores(lost: Client, operations: readonly string[]): Promise<void> {
    const right: Record<string, object> = {
      'post /api/v1/auth/refresh': { refresh_token: lost.refreshToken },
      'post /api/v1/auth/logout': { refresh_token: lost.refreshToken },
    };
    const account = { email: anEmail(), password: PASSWORD };
    for (const operation of operations)
      await this.see(lost, operation, {
        body: operation.startsWith('get') ? undefined : (right[operation] ?? account),
      });
  }

  /** What calls answer when nobody answers questions, and when no AI is configured. `stack` has neither worker nor provider. */
  async withoutProvider(stack: Stack): Promise<void> {
    const client = await stack.client().register();
    const id = await client.conversation();
    await this.see(client, `post ${MESSAGES}`, { id, body: { content: 'nobody there' } });
    await (await stack.add('worker')).start();
    await this.see(client, `post ${MESSAGES}`, { id: await client.conversation(), body: { content: 'hello' } });
    await this.see(client, 'post /api/v1/ai/complete', { body: { prompt: 'hello' } });
  }
}
