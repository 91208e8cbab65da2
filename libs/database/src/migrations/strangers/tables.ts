/** Who has sent where, who took in whom, and whom an account met on a day. All of it is added to what is there: the release before runs on it as well. */
export const TABLES = `
update edgechat.schema_info set release = 4;

-- has_sent: this member has sent a message here; written once, with the first one. It stays false in a conversation with the assistant alone. Who was there before this column counts as one who has. (No row is rewritten.)
-- added_by: who took the member in; null for who made the conversation, and where it is not known.
alter table edgechat.members
  add column has_sent boolean not null default true,
  add column added_by bigint;
alter table edgechat.members alter column has_sent set default false;

-- Where an account has sent. (Made while nobody writes members: sends wait meanwhile, a second for each million.)
create index members_sent on edgechat.members (account_id, conversation_id) where has_sent;

-- How many strangers an account has met on a day.
alter table edgechat.daily_use add column strangers int not null default 0;
`;
