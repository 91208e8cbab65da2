import { Injectable } from '@nestjs/common';
import { Refusal } from '@edgechat/kernel';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';

const IS_GOOD: Statement = {
  name: 'is-invite-good',
  text: 'select 1 as good from edgechat.invites where code_hash = $1::bytea and uses_left > 0 and expires_at > clock_timestamp()',
};
// Of two at once with the last use of a code, the second waits for the first, and then finds none left.
const USE: Statement = {
  name: 'use-invite',
  text: `
    update edgechat.invites set uses_left = uses_left - 1
    where code_hash = $1::bytea and uses_left > 0 and expires_at > clock_timestamp() returning uses_left`,
};
const ADD: Statement = {
  name: 'add-invite',
  text: `
    with forgotten as (
      delete from edgechat.invites where expires_at < statement_timestamp() - interval '30 days'
    )
    insert into edgechat.invites (code_hash, uses_left, expires_at)
    values ($1::bytea, $2::int, clock_timestamp() + make_interval(days => $3::int))
    returning expires_at`,
};

/** The codes that let people register, as hashes. Every method @throws Unavailable `postgres`. */
@Injectable()
export class Invites {
  constructor(private readonly postgres: Postgres) {}

  /** True while a code can be used. It may be used up by others before it is. */
  async isGood(codeHash: Buffer): Promise<boolean> {
    return (await this.postgres.query(IS_GOOD, [codeHash])).length > 0;
  }

  /** Keeps a new code, good for so many accounts and days, and removes those that expired 30 days ago; gives the instant when it expires. */
  async add(codeHash: Buffer, { uses, days }: { uses: number; days: number }): Promise<Date> {
    const [row] = await this.postgres.query<{ expires_at: Date }>(ADD, [codeHash, uses, days]);
    if (!row) throw new Error('an insert returned no row');
    return row.expires_at;
  }
}

/** Takes one use off a code, within the transaction that makes the account: what fails there consumes nothing. False when the code cannot be used any more. */
export async function useInvite(sql: Sql, codeHash: Buffer): Promise<boolean> {
  return (await sql.query(USE, [codeHash])).length > 0;
}

/** One answer for a code that is unknown, used up or expired: it tells nothing about codes. */
export const inviteInvalid = (): Refusal =>
  new Refusal('invite_invalid', 'This invite code is unknown, used up or expired. Ask for another one.');
