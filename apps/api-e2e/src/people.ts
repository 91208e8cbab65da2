import { eventually, sql, type Answer, type Client, type Json, type Stack } from '@edgechat/testing';
import { Redis } from 'ioredis';
import { idOf } from './scene.js';

/** Somebody with a device on each of two APIs. */
export interface Person {
  readonly id: number;
  readonly client: Client;
  /** The same person on the other API. */
  readonly there: Client;
}

/** So many accounts; every other one of them lives on the second API. */
export function people(stack: Stack, count: number): Promise<Person[]> {
  return Promise.all(
    upTo(count).map(async (n) => {
      const client = await stack.client(n % 2).register();
      return { id: await idOf(client), client, there: client.at(stack.url((n + 1) % 2)) };
    }),
  );
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

export const groupOf = (owner: Person, others: readonly Person[], body: object = {}): Promise<string> =>
  owner.client.conversation({ kind: 'group', assistant: 'off', member_ids: others.map(({ id }) => id), ...body });

/** All items of a list, page by page. */
async function listed(client: Client, path: string, field: string): Promise<Json[]> {
  const all: Json[] = [];
  for (let cursor = ''; ;) {
    const { status, body } = await client.get(`${path}${cursor}`);
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    const items: Json[] = body[field];
    all.push(...items);
    if (body['next_cursor'] === null) return all;
    cursor = `&cursor=${encodeURIComponent(String(body['next_cursor']))}`;
  }
}

export const inboxOf = (client: Client, limit = 100): Promise<Json[]> =>
  listed(client, `/chat/conversations?limit=${limit}`, 'conversations');
export const membersOf = (client: Client, conversation: string): Promise<Json[]> =>
  listed(client, `/chat/conversations/${conversation}/members?limit=100`, 'members');
/** The messages that a search finds. */
export const searched = async (client: Client, q: string): Promise<Json[]> =>
  (await listed(client, `/search?q=${encodeURIComponent(q)}&limit=100`, 'hits')).map(({ message }) => message);
export const idsOf = (items: readonly Json[]): string[] => items.map(({ id }) => String(id));

/** Sends until it is accepted, by the next of these clients after each failure; a repeat cannot make it two, for it has a key. */
export async function sendUntilTaken(
  clients: readonly Client[],
  conversation: string,
  content: string,
  key: string,
): Promise<Answer> {
  let tries = 0;
  return eventually(
    async () => {
      const client = clients[tries % clients.length];
      tries += 1;
      const answer = await client?.send(conversation, content, key);
      if (answer?.status !== 200) throw new Error(`send: ${answer?.status} ${JSON.stringify(answer?.body)}`);
      return answer;
    },
    { withinMs: 30_000 },
  );
}

export async function owed(stack: Stack, conversation: string): Promise<number> {
  const [row] = await sql<{ n: number }>(
    stack.databaseUrl,
    'select count(*)::int as n from edgechat.outbox where conversation_id = $1',
    [conversation],
  );
  return row?.n ?? NaN;
}

/** Takes away all that the test's own Redis has. */
export async function emptyRedis(stack: Stack): Promise<void> {
  const client = new Redis(stack.stores.env.REDIS_URL, { lazyConnect: true });
  await client.connect();
  await client.flushall();
  client.disconnect();
}
