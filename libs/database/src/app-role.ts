import type { Config } from '@edgechat/platform/config';
import pg from 'pg';
import type { DataSource, EntityManager } from 'typeorm';
import { z } from 'zod';
import { loginOf, sharedWithOwner, type Login } from './logins.js';
import { resetsOf } from './role-settings.js';
import { scramVerifier } from './scram-verifier.js';

/** What is known of the role that the processes log in as ($1), and of what we may do. What any role may come to own gives it no power: large objects, default privileges, temporary objects. */
const LOOK = `
  select
    r.oid is not null as "isThere",
    coalesce(r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls, false) as "isMighty",
    exists (select from pg_auth_members m where m.member = r.oid) as "isMember",
    exists (
      select from pg_shdepend d
      where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid and d.deptype = 'o'
        and (d.dbid = here.oid or (d.classid = 'pg_database'::regclass and d.objid = here.oid))
        and d.classid not in ('pg_largeobject'::regclass, 'pg_default_acl'::regclass)
        and coalesce((pg_identify_object(d.classid, d.objid, d.objsubid)).schema, '') not like 'pg\\_temp%'
    ) as "isOwner",
    me.rolsuper as "isSuperuser",
    me.rolsuper or me.rolcreaterole as "mayMake",
    me.rolsuper or (me.rolcreaterole and (
      current_setting('server_version_num')::int < 160000 or coalesce(pg_has_role(r.oid, 'member with admin option'), false)
    )) as "mayChange",
    pg_has_role(here.datdba, 'usage') and not exists (
      select from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f')
        and n.nspname not in ('edgechat', 'edgechat_replaced', 'information_schema') and n.nspname not like 'pg\\_%'
        and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
    ) as "isOursAlone",
    here.datname as database
  from pg_database here
  join pg_roles me on me.rolname = current_user
  left join pg_roles r on r.rolname = $1
  where here.datname = current_database()`;

const looks = z
  .array(
    z.object({
      isThere: z.boolean(),
      isMighty: z.boolean(),
      isMember: z.boolean(),
      isOwner: z.boolean(),
      isSuperuser: z.boolean(),
      mayMake: z.boolean(),
      mayChange: z.boolean(),
      isOursAlone: z.boolean(),
      database: z.string(),
    }),
  )
  .length(1);
type Look = z.infer<typeof looks>[number];

/** Rows of these are written by `migrate` alone. */
const BOOKKEEPING = 'edgechat.migrations, edgechat.schema_info';

/** What the role may do, and nobody else but the owner: begun anew at each run, so that nothing stays that was given before. New tables of a migration are granted before their first use, by default. */
const grantsTo = (role: string): readonly string[] => [
  `revoke all on schema edgechat from public, ${role}`,
  `revoke all on all tables in schema edgechat from public, ${role}`,
  `revoke all on all sequences in schema edgechat from public, ${role}`,
  `revoke all on all routines in schema edgechat from public, ${role}`,
  `grant usage on schema edgechat to ${role}`,
  `grant select, insert, update, delete on all tables in schema edgechat to ${role}`,
  `revoke insert, update, delete on ${BOOKKEEPING} from ${role}`,
  `grant usage on all sequences in schema edgechat to ${role}`,
  `grant execute on all routines in schema edgechat to ${role}`,
  `alter default privileges in schema edgechat grant select, insert, update, delete on tables to ${role}`,
  `alter default privileges in schema edgechat grant usage on sequences to ${role}`,
];

/** In a database that has nothing but ours, nobody else makes tables either, not even temporary ones. */
const closeTo = (role: string, database: string): string[] => [
  `grant connect on database ${database} to ${role}`,
  `revoke create, temporary on database ${database} from public, ${role}`,
  `do $$ begin
     if exists (select from pg_namespace where nspname = 'public' and pg_has_role(nspowner, 'usage')) then
       revoke create on schema public from public;
     end if;
   end $$`,
];

/** Everybody may make large objects, in any database, and fill the disk with what nobody sees. (`lo_import` is the superuser's anyway.) */
const NO_LARGE_OBJECTS =
  'revoke execute on function pg_catalog.lo_creat(int), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea) from public';

/**
 * Makes the role that DATABASE_URL names, with its password, and lets it read and write rows and call functions of ours, and no more. Does nothing where `migrate` has no login of its own.
 * Safe to repeat; one transaction. The caller holds the lock of the migrations.
 * @throws Error with a sentence for a role that may do more already, or one that is missing and may not be made
 */
export async function makeAppRole(source: DataSource, config: Config): Promise<void> {
  if (sharedWithOwner(config) === 'user') return;
  const app = loginOf(config.databaseUrl);

  await source.transaction(async (manager) => {
    const [look] = looks.parse(await manager.query(LOOK, [app.user]));
    if (look === undefined) return;
    refuseMighty(app.user, look);
    const resets = look.isThere && look.mayChange ? await resetsOf(manager, app.user, look.database) : [];
    for (const statement of [...statementsFor(app, look), ...resets]) await run(manager, statement);
  });
}

function refuseMighty(user: string, { isMighty, isMember, isOwner }: Look): void {
  const why = isMighty
    ? 'is a superuser or has another of the powers of one'
    : isOwner
      ? 'owns this database or something in it'
      : isMember
        ? 'is a member of other roles'
        : null;
  if (why !== null)
    throw new Error(
      `DATABASE_URL names the role ${user}, which ${why}, and MIGRATE_DATABASE_URL another: let DATABASE_URL name a role that migrate makes and that may only read and write rows, or leave MIGRATE_DATABASE_URL unset`,
    );
}

function statementsFor(app: Login, look: Look): readonly string[] {
  const role = pg.escapeIdentifier(app.user);
  const password = app.password === null ? '' : ` password ${pg.escapeLiteral(scramVerifier(app.password))}`;
  if (!look.isThere && !look.mayMake)
    throw new Error(
      `the role ${app.user} that DATABASE_URL names is not there, and the one of MIGRATE_DATABASE_URL may make none: make it (create role ${role} login password '...'), or give the other CREATEROLE`,
    );
  const made = look.isThere
    ? look.mayChange
      ? [`alter role ${role} login${password}`]
      : []
    : [`create role ${role} login${password}`];
  const closed = look.isOursAlone ? closeTo(role, pg.escapeIdentifier(look.database)) : [];
  if (look.isOursAlone && look.isSuperuser) closed.push(NO_LARGE_OBJECTS);
  return [...made, ...grantsTo(role), ...closed];
}

const run = async (manager: EntityManager, statement: string): Promise<void> => {
  await manager.query(statement);
};
