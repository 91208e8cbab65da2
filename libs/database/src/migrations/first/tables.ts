/**
 * All tables of schema `edgechat`. Ledger tables lead with `conversation_id`, inboxes and counters with the account's id, so that each can be distributed by its first column.
 * Text keys are `collate "C"`: no result depends on the locale of the database.
 */
export const TABLES = `
create table edgechat.schema_info (
  only_row boolean primary key default true check (only_row),
  oldest_release int not null -- a process of an older release refuses to start
);
insert into edgechat.schema_info (oldest_release) values (1);

create table edgechat.secrets (name text collate "C" primary key, value bytea not null);

create table edgechat.accounts (
  id bigint generated always as identity primary key,
  email text collate "C" not null,      -- as it was given
  email_key text collate "C" not null,  -- folded by the application; what addresses are compared by
  password_hash text collate "C" not null,
  display_name text collate "C",
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint accounts_email_key unique (email_key)
);

create index accounts_of_first_backend on edgechat.accounts (id) where password_hash like '$2%';

create table edgechat.sessions (
  id uuid primary key,
  account_id bigint not null references edgechat.accounts on delete cascade,
  generation int not null,       -- of the one refresh token that works
  token_hash bytea not null,     -- SHA-256 of that token
  previous_hash bytea,           -- of the one before it
  rotated_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  created_at timestamptz not null default clock_timestamp()
);
create index sessions_of_account on edgechat.sessions (account_id);
create index sessions_revoked on edgechat.sessions (revoked_at) where revoked_at is not null;

create table edgechat.login_addresses (
  account_id bigint not null references edgechat.accounts on delete cascade,
  address_hash bytea not null,   -- an HMAC: the address itself is not kept
  last_login_at timestamptz not null,
  primary key (account_id, address_hash)
);

create table edgechat.request_counts (
  account_id bigint not null,
  minute timestamptz not null,
  requests int not null,
  primary key (account_id, minute)
);
create table edgechat.request_totals (account_id bigint primary key, total bigint not null);

create table edgechat.conversations (
  id uuid primary key,
  kind text collate "C" not null check (kind in ('assistant')),
  title text collate "C",
  assistant text collate "C" not null check (assistant in ('always', 'mention', 'off')),
  last_seq bigint not null default 0,
  revision bigint not null default 1, -- raised by every change of the conversation
  member_count int not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  updated_at timestamptz(3) not null default clock_timestamp(), -- of the last message, or of creation
  deleted_at timestamptz
) with (fillfactor = 80);

create table edgechat.conversation_keys (
  account_id bigint not null,
  client_key text collate "C" not null,
  conversation_id uuid not null,
  request_hash text collate "C" not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (account_id, client_key)
);

create table edgechat.members (
  conversation_id uuid not null,
  account_id bigint not null,
  role text collate "C" not null check (role in ('owner', 'admin', 'member')),
  joined_at timestamptz(3) not null default clock_timestamp(),
  read_seq bigint not null default 0,
  primary key (conversation_id, account_id)
) with (fillfactor = 80);

create table edgechat.inbox (
  account_id bigint not null,
  conversation_id uuid not null,
  ordered_at timestamptz(3) not null,
  primary key (account_id, conversation_id)
);
create index inbox_order on edgechat.inbox (account_id, ordered_at desc, conversation_id desc);

-- The ledger: one row a message, as long as the message lives. Its text is in MongoDB.
create table edgechat.messages (
  conversation_id uuid not null,
  seq bigint not null check (seq > 0),
  message_id uuid not null,
  author bigint not null,           -- an account's id; 0 is the assistant
  client_key text collate "C",
  content_hash text collate "C" not null,
  answers_seq bigint,
  created_at timestamptz(3) not null,
  primary key (conversation_id, seq)
);
create unique index messages_client_key on edgechat.messages (conversation_id, author, client_key) where client_key is not null;
create unique index messages_one_answer on edgechat.messages (conversation_id, answers_seq) where answers_seq is not null;

-- What is owed because of a message; a row goes when its effect is there. 'store' carries the text until MongoDB has it.
create table edgechat.outbox (
  conversation_id uuid not null,
  seq bigint not null,
  kind text collate "C" not null check (kind in ('store', 'fan_out', 'index', 'purge')),
  content text collate "C",
  attempts int not null default 0,
  next_at timestamptz not null,
  primary key (conversation_id, kind, seq)
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index outbox_due on edgechat.outbox (next_at);

create table edgechat.replies (
  conversation_id uuid not null,
  question_seq bigint not null,
  id uuid not null,
  account_id bigint not null,       -- who asked
  status text collate "C" not null check (status in ('queued', 'running', 'done', 'failed')),
  epoch int not null default 1,     -- raised whenever the work changes hands: a run of an older epoch can end nothing
  lease_until timestamptz,
  next_at timestamptz not null,     -- when the relay looks after a queued one
  accepted_at timestamptz not null,
  deadline_at timestamptz not null,
  answer_seq bigint,
  provider text collate "C",
  model text collate "C",
  tokens_in int,
  tokens_out int,
  finish_reason text collate "C",
  failure_code text collate "C",
  retry_after_s int,
  primary key (conversation_id, question_seq)
) with (fillfactor = 80);
create index replies_open_in on edgechat.replies (conversation_id, question_seq) where status in ('queued', 'running');
create unique index replies_id on edgechat.replies (id);
create index replies_open on edgechat.replies (account_id, accepted_at) where status in ('queued', 'running');

create table edgechat.answer_usage (
  id uuid primary key,              -- of the reply or completion: charged once
  account_id bigint not null,
  conversation_id uuid,
  kind text collate "C" not null check (kind in ('reply', 'completion')),
  provider text collate "C" not null,
  model text collate "C" not null,
  tokens_in int not null,
  tokens_out int not null,
  created_at timestamptz not null default clock_timestamp()
);
create index answer_usage_of_account on edgechat.answer_usage (account_id, created_at);

create table edgechat.search_index (
  conversation_id uuid not null,
  seq bigint not null,
  author bigint not null,
  created_at timestamptz(3) not null,
  words tsvector not null,
  primary key (conversation_id, seq)
);
`;
