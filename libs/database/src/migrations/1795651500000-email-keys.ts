import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whose mailbox is not in its row yet, and may be another one than `email_key` says. */
const OWED = `mailbox_key is null and shared_mailbox_key is null and (octet_length(email_key) > char_length(email_key) or email_key like '%xn--%')`;

/**
 * What addresses are compared by in every spelling of their domain, beside `email_key`, which stays as it is and which the release before goes on with. Rows that were there are filled in after
 * the migrations (`fillMailboxKeys`), as are those that the release before makes afterwards: SQL knows nothing of international domains.
 */
const KEYS = `
update edgechat.schema_info set release = 4;

alter table edgechat.accounts
  add column mailbox_key text collate "C",        -- the mailbox of the address, which one account has. Null: as email_key, or not known yet (accounts_without_mailbox_key), or shared
  add column shared_mailbox_key text collate "C"; -- the mailbox, when accounts from before had one in several spellings: each is then found by email_key alone
create unique index accounts_mailbox_key on edgechat.accounts (mailbox_key);
create index accounts_shared_mailbox_key on edgechat.accounts (shared_mailbox_key, id) where shared_mailbox_key is not null;
create index accounts_mailbox_owed on edgechat.accounts (id) where ${OWED};
`;

const WITHOUT_KEY = `
create view edgechat.accounts_without_mailbox_key as
  select id as account_id, email_key from edgechat.accounts where ${OWED};
`;

/** Accounts that have one mailbox, each but the first with the first. */
const OF_ONE_MAILBOX = `
create view edgechat.accounts_of_one_mailbox as
  select f.id as account_id, a.id as other_account_id
  from edgechat.accounts a
    cross join lateral (select x.id from edgechat.accounts x where x.shared_mailbox_key = a.shared_mailbox_key order by x.id limit 1) f
  where a.shared_mailbox_key is not null and a.id <> f.id;
`;

/** An address is one account, in whatever spelling of its domain and width of its letters it is given. */
export class EmailKeys1795651500000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [KEYS, WITHOUT_KEY, OF_ONE_MAILBOX]) await runner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
