import pg from 'pg';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';

/** What the pool of the processes sends, and an operator gives to their role where PgBouncer drops it: see docs/deploy.md. */
const KEPT = [
  'enable_seqscan',
  'jit',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
] as const;

/** The settings of role $1, here or in all databases, that it may have made itself, but for $2. (Those that only a superuser may set, one has set.) */
const OWN_SETTINGS = `
  select s.setdatabase <> 0 as "isHere", p.name
  from pg_db_role_setting s
  cross join unnest(s.setconfig) as entry
  join pg_settings p on p.name = split_part(entry, '=', 1)
  where s.setrole = (select oid from pg_roles where rolname = $1)
    and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and p.context = 'user' and p.name <> all ($2::text[])`;

const settings = z.array(z.object({ isHere: z.boolean(), name: z.string() }));

/**
 * The statements that take away what a role has set for its own sessions (each role may: `alter role current_user set default_transaction_read_only = on`), and that would stay for ever.
 * @param database the one we are in
 */
export async function resetsOf(manager: EntityManager, user: string, database: string): Promise<readonly string[]> {
  const role = pg.escapeIdentifier(user);
  const found = settings.parse(await manager.query(OWN_SETTINGS, [user, [...KEPT]]));
  return found.map(({ isHere, name }) => {
    const where = isHere ? ` in database ${pg.escapeIdentifier(database)}` : '';
    return `alter role ${role}${where} reset ${pg.escapeIdentifier(name)}`;
  });
}

/** @throws Error with a sentence when whoever logs in so may only read: a setting of the role, of the database, or a standby */
export async function refuseReadOnly(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ value: string }>(
    `select current_setting('transaction_read_only') as value from edgechat.schema_info`,
  );
  if (rows[0]?.value === 'on')
    throw new Error(
      'the role that DATABASE_URL names may only read: default_transaction_read_only is on for it or for the database, or the server is a standby',
    );
}
