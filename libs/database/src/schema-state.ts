import { isUndefinedTable, type Sql } from '@edgechat/platform/postgres';

/** Raised with each release that changes what it needs of the schema. */
export const RELEASE = 1;

export type SchemaState = 'missing' | 'too-new' | 'usable';

const OLDEST_RELEASE = { name: 'schema.oldest_release', text: 'select oldest_release from edgechat.schema_info' };

/** Tells whether this release may use the schema: it is not there yet (`missing`: run migrate), it wants a newer release (`too-new`), or `usable`. @throws Unavailable `postgres` */
export async function readSchemaState(sql: Sql): Promise<SchemaState> {
  try {
    const [row] = await sql.query<{ oldest_release: number }>(OLDEST_RELEASE);
    if (!row) return 'missing';
    return row.oldest_release > RELEASE ? 'too-new' : 'usable';
  } catch (error) {
    if (isUndefinedTable(error)) return 'missing';
    throw error;
  }
}
