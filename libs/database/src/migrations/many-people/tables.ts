/**
 * Conversations of many people. All of it is added to what is there: the release before runs on it as well.
 *
 * `inbox.ordered_at` is '-infinity' for a conversation that is large: such a one is ordered when the inbox is read, and its messages write no inbox rows.
 */
export const TABLES = `
alter table edgechat.schema_info add column release int not null default 1; -- that the schema was made for; a process of a later one waits
update edgechat.schema_info set release = 2;

alter table edgechat.conversations
  drop constraint conversations_kind_check,
  add constraint conversations_kind_check check (kind in ('assistant', 'direct', 'group')),
  add column is_large boolean not null default false; -- it had more members than FAN_OUT_WRITE_LIMIT once

alter table edgechat.outbox
  drop constraint outbox_kind_check,
  add constraint outbox_kind_check check (kind in ('store', 'fan_out', 'index', 'search', 'purge'));

-- Debts are taken by their kind, the longest owed first. On an expression, so that only who asks for it gets it: the outbox is mostly empty, and to a planner that counted it then
-- all indexes cost the same. Who looks a debt up by its key must not be led through all debts of its kind.
create index outbox_kind_due on edgechat.outbox ((kind || ''), next_at);
drop index edgechat.outbox_due;

-- The one direct conversation of two accounts.
create table edgechat.direct_pairs (
  low_account bigint not null,
  high_account bigint not null,
  conversation_id uuid not null,
  primary key (low_account, high_account),
  check (low_account < high_account)
);

-- A process of the release before delivers to large conversations too: it must not put them back among the others, where no message would move them again.
create function edgechat.stay_large() returns trigger language plpgsql as $$
begin
  return case when exists (select from edgechat.conversations c where c.id = new.conversation_id and c.is_large) then null else new end;
end $$;
create trigger inbox_stay_large before update on edgechat.inbox for each row when (old.ordered_at = '-infinity' and new.ordered_at > '-infinity') execute function edgechat.stay_large();

create index members_order on edgechat.members (conversation_id, joined_at, account_id);
`;
