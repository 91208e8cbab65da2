import type { Sql, Statement } from '@edgechat/platform/postgres';

const REVOKE_ALL: Statement = {
  name: 'revoke-all-sessions',
  text: 'update edgechat.sessions set revoked_at = clock_timestamp() where account_id = $1::bigint and revoked_at is null returning id',
};

/** Ends every session of an account whose row the transaction has locked; returns how many. @throws Unavailable `postgres` */
export async function revokeAll(sql: Sql, account: number): Promise<number> {
  return (await sql.query(REVOKE_ALL, [account])).length;
}
