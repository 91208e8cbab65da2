import { randomUUID } from 'node:crypto';
import { sql, type Answer, type Client, type Stack } from '@edgechat/testing';
import type { Scene } from './inputs.js';

/** The account id of a client. */
export const idOf = async (client: Client): Promise<number> => Number((await client.get('/auth/me')).body['id']);

/** Two accounts; the first has a conversation alone and a group with the second, and has sent one message to each. */
export async function setScene(stack: Stack): Promise<Scene & { readonly member: Client }> {
  const [client, member] = [await stack.client().register(), await stack.client().register()];
  const other = await idOf(member);
  const conversation = await client.conversation({ assistant: 'off', title: 'Kept' });
  const group = await client.conversation({ kind: 'group', assistant: 'off', title: 'Kept too', member_ids: [other] });
  for (const id of [conversation, group]) await client.send(id, 'kept');
  return { client, member, conversation, group, other };
}

/** All that the caller can see of what is kept. */
export async function whatIsKept({ client, conversation, group }: Scene): Promise<unknown[]> {
  const paths = [
    '/auth/me',
    '/chat/conversations?limit=100',
    `/chat/conversations/${group}/members?limit=100`,
    ...[conversation, group].map((id) => `/chat/conversations/${id}/messages?limit=100`),
  ];
  const answers = await Promise.all(paths.map((path) => client.get(path)));
  expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200));
  return answers.map(({ body }) => body);
}

/** Makes a call that must be refused, and holds it to have changed nothing that any of these can see. */
export async function refused(scenes: readonly Scene[], call: () => Promise<Answer>): Promise<Answer> {
  const kept = (): Promise<unknown[]> => Promise.all(scenes.map(whatIsKept));
  const before = await kept();
  const answer = await call();
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(await kept()).toEqual(before);
  return answer;
}

/** Makes accounts that nobody logs in to, as many and as fast as no client could. */
export async function someAccounts(stack: Stack, count: number): Promise<number[]> {
  const rows = await sql<{ id: string }>(
    stack.databaseUrl,
    `insert into edgechat.accounts (email, email_key, password_hash) select e, e, 'x' from (select $1 || n || '@example.com' as e from generate_series(1, $2::int) n) addresses returning id`,
    [randomUUID(), count],
  );
  return rows.map(({ id }) => Number(id));
}

/** A group of the client's with as many members as a group can have. */
export async function aFullGroup(stack: Stack, client: Client): Promise<string> {
  const group = await client.conversation({ kind: 'group' });
  const others = await someAccounts(stack, 9_999);
  for (let n = 0; n < others.length; n += 1_000)
    expect(
      (await client.post(`/chat/conversations/${group}/members`, { account_ids: others.slice(n, n + 1_000) })).status,
    ).toBe(200);
  return group;
}

/** Puts an account into as many large conversations as it can be in, of which there is nothing but their places in its inbox. */
export async function fillWithLargeGroups(stack: Stack, account: number): Promise<void> {
  await sql(
    stack.databaseUrl,
    `insert into edgechat.inbox (account_id, conversation_id, ordered_at) select $1::bigint, gen_random_uuid(), '-infinity' from generate_series(1, 500)`,
    [account],
  );
}
