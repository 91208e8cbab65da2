import { mailboxKey } from '@edgechat/kernel';
import type { DataSource, EntityManager } from 'typeorm';

const BATCH = 1_000;

const NEXT = `
  select account_id::text as id, email_key from edgechat.accounts_without_mailbox_key
  where account_id > $1::bigint order by account_id limit ${BATCH}`;

/** Nobody registers meanwhile: a mailbox that nobody has now is nobody's when its key is written. */
const LOCK = 'lock table edgechat.accounts in share row exclusive mode';

/** Gives each account its mailbox; where others have that one too, it becomes the shared one of all of them. */
const FILL = `
  with given as (
    select * from unnest($1::bigint[], $2::text[]) g(id, key)
  ), claims as (
    select key, id from given
    union select g.key, a.id from given g join edgechat.accounts a on a.email_key = g.key
    union select g.key, a.id from given g join edgechat.accounts a on a.mailbox_key = g.key
    union select g.key, a.id from given g join edgechat.accounts a on a.shared_mailbox_key = g.key
  ), counted as (
    select key, count(*) > 1 as is_shared from claims group by key
  )
  update edgechat.accounts a
  set mailbox_key = case when not c.is_shared then c.key end, shared_mailbox_key = case when c.is_shared then c.key end
  from (select claims.id, counted.* from claims join counted using (key)) c
  where a.id = c.id`;

interface Owed {
  readonly id: string;
  readonly emailKey: string;
}

/**
 * Fills in the mailboxes that are not in their rows yet: all whose addresses are not plain ASCII at the first run, later those that a release before registered. In batches of 1,000, each a transaction
 * of some milliseconds for which registrations wait; may be ended between any two, and be run again.
 */
export async function fillMailboxKeys(source: DataSource): Promise<void> {
  for (let after: string | undefined = '0'; after !== undefined;) {
    const from: string = after;
    after = await source.transaction((manager) => fillNext(manager, from));
  }
}

/** The last account that was looked at; undefined when none is left. */
async function fillNext(manager: EntityManager, after: string): Promise<string | undefined> {
  const owed = asOwed(await manager.query(NEXT, [after]));
  if (owed.length === 0) return undefined;

  await manager.query(LOCK);
  await manager.query(FILL, [owed.map(({ id }) => id), owed.map(({ emailKey }) => mailboxKey(emailKey))]);
  return owed.at(-1)?.id;
}

function asOwed(rows: unknown): readonly Owed[] {
  if (!Array.isArray(rows)) return [];
  return rows.map((row: unknown) => {
    if (typeof row !== 'object' || row === null || !('id' in row) || !('email_key' in row))
      throw new Error('no account');
    return { id: String(row.id), emailKey: String(row.email_key) };
  });
}
