import { randomUUID } from 'node:crypto';
import { sql, type OwnStores } from '@edgechat/testing';

/** A conversation that owes messages 1 to `debts` to the search index. Gives its id. */
export async function aDebtor(stores: OwnStores, debts: number): Promise<string> {
  const id = randomUUID();
  await sql(
    stores.env.DATABASE_URL,
    `insert into edgechat.outbox (conversation_id, seq, kind, next_at) select $1, n, 'search', clock_timestamp() from generate_series(1, $2::int) n`,
    [id, debts],
  );
  return id;
}

/** What a conversation owes; `wait`: seconds until it is tried again. */
export const owedBy = async (
  stores: OwnStores,
  id: string,
): Promise<{ seq: number; attempts: number; wait: number }[]> =>
  (
    await sql<{ seq: string; attempts: number; wait: string }>(
      stores.env.DATABASE_URL,
      'select seq, attempts, extract(epoch from next_at - clock_timestamp()) as wait from edgechat.outbox where conversation_id = $1 order by seq',
      [id],
    )
  ).map(({ seq, attempts, wait }) => ({ seq: Number(seq), attempts, wait: Number(wait) }));
