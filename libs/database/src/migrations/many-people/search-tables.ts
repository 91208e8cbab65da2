/**
 * The search index: one row a message, found by terms that begin with their conversation, so that the entries of one conversation lie together in the GIN index and a search touches
 * its caller's conversations only. (What a term is: libs/search/src/domain/terms.ts.)
 *
 * Every message that is there owes its row anew; `edgechat.search_index` is left to the release before, and nothing is owed to it any more.
 */
export const SEARCH_TABLES = `
create table edgechat.search_words (
  conversation_id uuid not null,
  seq bigint not null,
  author bigint not null,            -- an account's id; 0 is the assistant
  created_at timestamptz(3) not null,
  words tsvector not null,
  primary key (conversation_id, seq)
);
-- Without a list of pending entries: every search would have to read it whole, whoever wrote them.
create index search_words_words on edgechat.search_words using gin (words) with (fastupdate = off);
-- Terms of single conversations are no statistics; to gather them takes long, and they would mislead the planner.
alter table edgechat.search_words alter column words set statistics 0;

-- A send that waited for this migration goes on with the function as it was: what it owes to the old index it owes to this one.
create function edgechat.owe_search() returns trigger language plpgsql as $$
begin
  new.kind := 'search';
  return new;
end $$;
create trigger outbox_owe_search before insert on edgechat.outbox for each row when (new.kind = 'index') execute function edgechat.owe_search();
`;

/** A migration of its own, which holds no lock on a table: it takes long where there are many messages. */
export const OWE_SEARCH = `
-- Due one after the other, at the rate at which they can be paid: nothing that is owed meanwhile waits behind them.
insert into edgechat.outbox (conversation_id, seq, kind, next_at)
  select m.conversation_id, m.seq, 'search', clock_timestamp() + row_number() over () * interval '1 millisecond'
  from edgechat.messages m join edgechat.conversations c on c.id = m.conversation_id and c.deleted_at is null
  on conflict do nothing; -- sends after the migration before this one owe theirs already
delete from edgechat.outbox where kind = 'index';
`;
