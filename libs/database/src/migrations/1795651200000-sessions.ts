import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Two columns that tell how a session was used. What the release before writes leaves them as they are, which is safe: see each. */
const COLUMNS = `
update edgechat.schema_info set release = 4;

-- The generation of which no access token was used yet: only then may a refresh be repeated late. Null, or another than \`generation\`, says that one was used or that nobody can tell:
-- tokens of the release before do not name their generation, and its refreshes leave this column behind.
alter table edgechat.sessions add column unused_generation int;

-- When an access token was used that was the first of its generation; null when none was. A session was last used then or at its last refresh (\`rotated_at\`), whichever is later.
alter table edgechat.sessions add column used_at timestamptz;
`;

/** What is read of an account's sessions is found without a walk through those that ended: who logs in and out all day has thousands. */
const INDEXES = `
create index sessions_open on edgechat.sessions (account_id) where revoked_at is null;
create index sessions_ended on edgechat.sessions (account_id, revoked_at) where revoked_at is not null;
`;

/** An account has at most 50 open sessions from now on: of what is there the 50 used last go on. They end as if their time were over: revoked ones are remembered by every process. */
const END_EXCESS = `
update edgechat.sessions set expires_at = clock_timestamp()
where id in (
  select id from (
    select id, row_number() over (partition by account_id order by rotated_at desc, id desc) as n
    from edgechat.sessions where revoked_at is null and expires_at > clock_timestamp()
  ) open where n > 50)
`;

/** Sessions end, are listed, and forgive a lost answer for longer. */
export class Sessions1795651200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(COLUMNS);
    await runner.query(INDEXES);
    await runner.query(END_EXCESS);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
