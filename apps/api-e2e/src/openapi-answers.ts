import { randomUUID } from 'node:crypto';
import type { Answer, Call, Client, Stack } from '@edgechat/testing';
import { PASSWORD } from './inputs.js';
import { exchange, rawRequest } from './raw-http.js';

/** An answer of the running system, and the operation it came from. */
export interface Seen {
  readonly operation: string;
  readonly answer: Answer;
}

type See = (client: Client, operation: string, call?: Call & { readonly id?: string; readonly query?: string }) => Promise<Answer>;

const CONVERSATIONS = '/api/v1/chat/conversations';
const MESSAGES = `${CONVERSATIONS}/{id}/messages`;
const WITH_BODY = ['post /api/v1/auth/register', 'post /api/v1/auth/login', 'post /api/v1/auth/refresh', 'post /api/v1/auth/logout', 'post /api/v1/auth/password', 'patch /api/v1/auth/me', 'post /api/v1/ai/complete', `post ${CONVERSATIONS}`, `post ${MESSAGES}`];
const HEALTH = ['', '/started', '/ready', '/db', '/mongo'].map((path) => `get /api/v1/health${path}`);
const anEmail = (): string => `${randomUUID()}@example.com`;

/** Calls every operation in every way that a client can, and collects the answers. */
export class Answers {
  readonly seen: Seen[] = [];

  readonly see: See = async (client, operation, { id = 'x', query = '', ...call } = {}) => {
    const [method = '', path = ''] = operation.split(' ');
    const answer = await client.call(method.toUpperCase(), `/${path.replace('{id}', id)}${query}`, call);
    this.seen.push({ operation, answer });
    return answer;
  };

  /** Successes, and the refusals that are a call's own. */
  async ofItsOwn(client: Client): Promise<void> {
    const { see } = this;
    for (const operation of [...HEALTH, 'get /', 'get /api/v1/auth/me', 'get /api/v1/usage/me']) await see(client, operation);
    await this.ofAccounts(client);
    await this.ofChats(client);
    await see(client, 'post /api/v1/ai/complete', { body: { prompt: 'hello' } });
    await see(client, 'post /api/v1/ai/complete', { body: { prompt: 'no [[fail 400]]' } });
    await see(client, 'post /api/v1/ai/complete', { body: { prompt: 'no [[quota 7]]' } });
  }

  private async ofAccounts(client: Client): Promise<void> {
    const { see } = this;
    const email = anEmail();
    await see(client, 'post /api/v1/auth/register', { body: { email, password: PASSWORD } });
    await see(client, 'post /api/v1/auth/register', { body: { email, password: PASSWORD } });
    const { body } = await see(client, 'post /api/v1/auth/login', { body: { email, password: PASSWORD } });
    await see(client, 'post /api/v1/auth/refresh', { body: { refresh_token: body['refresh_token'] } });
    await see(client, 'post /api/v1/auth/refresh', { body: { refresh_token: 'unknown' } });
    await see(client, 'post /api/v1/auth/logout', { body: { refresh_token: body['refresh_token'] } });
    await see(client, 'patch /api/v1/auth/me', { body: { display_name: 'Ada' } });
    await see(client, 'post /api/v1/auth/password', { body: { old_password: PASSWORD, new_password: PASSWORD } });
    for (let n = 0; n < 11; n += 1) await see(client, 'post /api/v1/auth/password', { body: { old_password: 'wrong', new_password: PASSWORD } });
    for (let n = 0; n < 11; n += 1) await see(client, 'post /api/v1/auth/login', { body: { email: `nobody.${email}`, password: 'wrong' } });
  }

  private async ofChats(client: Client): Promise<void> {
    const { see } = this;
    const key = { headers: { 'idempotency-key': randomUUID() } };
    const { body: { id } } = await see(client, `post ${CONVERSATIONS}`, { body: { title: 'one' }, ...key });
    for (const body of [{ title: 'one' }, { title: 'two' }]) await see(client, `post ${CONVERSATIONS}`, { body, ...key });
    await see(client, `post ${CONVERSATIONS}`, { body: { kind: 'group' } });
    await see(client, `post ${CONVERSATIONS}`, { body: { assistant: 'off' } });
    for (const content of ['hello', 'hello', 'another']) await see(client, `post ${MESSAGES}`, { id, body: { content }, ...key });
    for (const content of ['no [[fail 400]]', 'no [[quota 7]]', 'hello']) await see(client, `post ${MESSAGES}`, { id, body: { content } });
    for (const query of ['', '?limit=1', '?skip=1', '?before_seq=3', '?after_seq=1', '?limit=x']) await see(client, `get ${MESSAGES}`, { id, query });
    for (const query of ['', '?limit=1', '?skip=1', '?limit=x', '?cursor=x']) await see(client, `get ${CONVERSATIONS}`, { query });
    await see(client, `delete ${CONVERSATIONS}/{id}`, { id });
    for (const operation of [`delete ${CONVERSATIONS}/{id}`, `get ${MESSAGES}`]) await see(client, operation, { id });
    await see(client, `post ${MESSAGES}`, { id, body: { content: 'hello' } });
  }

  /** What every call of its sort answers to what is broken, without a token, and too often. `limited` is a client of an API whose limit is used up. */
  async ofAllCalls(client: Client, limited: Client, operations: readonly string[]): Promise<void> {
    for (const operation of operations.filter((one) => !HEALTH.includes(one))) {
      const [method = '', path = ''] = operation.split(' ');
      const line = `${method.toUpperCase()} ${path.replace('{id}', 'x')}`;
      for (const headers of [['Host: twice.example'], [`X-Long: ${'x'.repeat(17_000)}`]]) this.seen.push({ operation, answer: await exchange(client.url, rawRequest(line, headers)) });
      await this.see(limited, operation);
      await this.see(Object.assign(client.at(client.url), { token: null }), operation, { body: WITH_BODY.includes(operation) ? {} : undefined });
    }
    for (const operation of operations.filter((one) => !one.startsWith('get'))) {
      for (const call of [{ raw: '{' }, { raw: `"${'x'.repeat(1_048_576)}"` }, { raw: 'x', headers: { 'content-type': 'text/plain' } }, { raw: '[]' }]) await this.see(client, operation, call);
    }
  }

  /** What calls answer when the stores are away. `lost` is a client, with a token, of an API that finds none. */
  async withoutStores(lost: Client, operations: readonly string[]): Promise<void> {
    const right: Record<string, object> = { 'post /api/v1/auth/refresh': { refresh_token: lost.refreshToken }, 'post /api/v1/auth/logout': { refresh_token: lost.refreshToken } };
    const account = { email: anEmail(), password: PASSWORD };
    for (const operation of operations) await this.see(lost, operation, { body: operation.startsWith('get') ? undefined : (right[operation] ?? account) });
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
