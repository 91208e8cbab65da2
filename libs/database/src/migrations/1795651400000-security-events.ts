import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What happened to accounts, for their operator: logins, failures, reused tokens. Nothing that was there is changed. */
const SECURITY_EVENTS = `
update edgechat.schema_info set release = 4;

create table edgechat.security_events (
  kind text collate "C" not null,       -- such as 'login.failed'
  hour timestamptz(3) not null,         -- where the hour begins in which they happened
  subject text collate "C" not null,    -- what events of a kind and an hour are gathered by: an account, an address (as its pseudonym), or both
  account_id bigint,                    -- null: no account has the name
  session_id uuid,                      -- of the newest of them
  address_hash bytea,                   -- of the newest of them: a pseudonym, as in login_addresses
  count bigint not null,
  first_at timestamptz(3) not null,
  last_at timestamptz(3) not null,      -- within the hour
  primary key (kind, hour, subject)
) with (fillfactor = 80);
create index security_events_hour on edgechat.security_events (hour);
create index security_events_of_account on edgechat.security_events (account_id, hour) where account_id is not null;
`;

export class SecurityEvents1795651400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SECURITY_EVENTS);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
