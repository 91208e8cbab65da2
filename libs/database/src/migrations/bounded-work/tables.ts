/** What bounds the work that one account can cause. All of it is added to what is there: the release before runs on it as well. */
export const TABLES = `
update edgechat.schema_info set release = 3;

-- Bytes of the text in UTF-8, so that a reader knows what it will get before it asks MongoDB. Null: sent by a release that did not count them.
alter table edgechat.messages add column bytes int;

-- What an author wrote, newest first: a search for it goes by this, however much others wrote. (Made while nobody writes messages: sends wait meanwhile, a second for each million.)
create index messages_author on edgechat.messages (author, created_at desc, conversation_id desc, seq desc) where author <> 0;

-- What an account used on a day (UTC): bytes of texts and of their terms in the search index; tokens of answers, in and out.
create table edgechat.daily_use (
  account_id bigint not null,
  day date not null,
  text_bytes bigint not null default 0,
  tokens bigint not null default 0,
  primary key (account_id, day)
) with (fillfactor = 80);

-- Who asked for the answer knows the failure 'budget_exhausted'. The release before does not: to it the same is told in a code that it knows.
alter table edgechat.replies add column knows_budgets boolean not null default false;
`;
