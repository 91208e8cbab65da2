import { isUndefinedTable, type Sql } from '@edgechat/platform/postgres';

/** Raised with each release that changes what it needs of the schema. */
export const RELEASE = 5;

export type SchemaState = 'missing' | 'too-new' | 'usable';

// (The first schema did not say which release it was made for.)
const RELEASES = {
  name: 'schema.releases',
  text: `select oldest_release, coalesce((to_jsonb(s) ->> 'release')::int, 1) as release from edgechat.schema_info s`,
};

/** Tells whether this release may use the schema: it is not there yet, or an older one (`missing`: run migrate), it wants a newer release (`too-new`), or `usable`. @throws Unavailable `postgres` */
export async function readSchemaState(sql: Sql): Promise<SchemaState> {
  try {
    const [row] = await sql.query<{ oldest_release: number; release: number }>(RELEASES);
    if (!row || row.release < RELEASE) return 'missing';
    return row.oldest_release > RELEASE ? 'too-new' : 'usable';
  } catch (error) {
    if (isUndefinedTable(error)) return 'missing';
    throw error;
  }
}
