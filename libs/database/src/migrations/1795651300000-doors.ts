import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = `
update edgechat.schema_info set release = 4;

-- Since when the operator keeps the account's owner out; null: not at all.
alter table edgechat.accounts add column locked_at timestamptz;

-- Codes that let people register. Only a hash is kept: who reads the table cannot use it.
create table edgechat.invites (
  code_hash bytea primary key,   -- SHA-256
  uses_left int not null check (uses_left >= 0),
  expires_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp()
);
create index invites_expired on edgechat.invites (expires_at);
`;

/** Locked accounts, and registration by invitation. */
export class Doors1795651300000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
