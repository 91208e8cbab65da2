/** Makes a conversation with its creator as owner; a repeat of the same key within 24 h gives the first one again. Outcomes: created, replayed, key_reused. */
export const CREATE_CONVERSATION = `
create function edgechat.create_conversation(
  new_id uuid, creator bigint, new_kind text, new_title text, new_assistant text, key text, hash text
) returns table (outcome text, conversation_id uuid) language plpgsql as $$
declare
  earlier edgechat.conversation_keys;
begin
  if key is not null then
    delete from edgechat.conversation_keys k where k.account_id = creator and k.created_at < clock_timestamp() - interval '24 hours' and k.client_key <> key;
    -- Waits for a transaction that just wrote the same key. Only the statements after it see what that one made.
    insert into edgechat.conversation_keys (account_id, client_key, conversation_id, request_hash) values (creator, key, new_id, hash) on conflict do nothing;
    if not found then
      select * into earlier from edgechat.conversation_keys k where k.account_id = creator and k.client_key = key for update;
      if earlier.created_at > clock_timestamp() - interval '24 hours' and exists (select from edgechat.conversations c where c.id = earlier.conversation_id and c.deleted_at is null) then
        return query select case when earlier.request_hash = hash then 'replayed' else 'key_reused' end, earlier.conversation_id;
        return;
      end if;
      -- (Where another call has just removed the old key, there is nothing to update.)
      insert into edgechat.conversation_keys (account_id, client_key, conversation_id, request_hash) values (creator, key, new_id, hash) on conflict do nothing;
      update edgechat.conversation_keys k set conversation_id = new_id, request_hash = hash, created_at = clock_timestamp() where k.account_id = creator and k.client_key = key;
    end if;
  end if;
  insert into edgechat.conversations (id, kind, title, assistant, member_count) values (new_id, new_kind, new_title, new_assistant, 1);
  insert into edgechat.members (conversation_id, account_id, role) values (new_id, creator, 'owner');
  insert into edgechat.inbox (account_id, conversation_id, ordered_at) select creator, c.id, c.updated_at from edgechat.conversations c where c.id = new_id;
  return query select 'created', new_id;
end $$;
`;

/**
 * The door of every message: numbers and writes a batch of sends in one transaction, at READ COMMITTED.
 *
 * What holds: (1) the conversations are locked first, in the order of their ids; each later statement sees what was committed before the lock was had.
 * (2) Membership is asked before the key, the key before a number is given. (3) An answer is written only while its reply is running in the caller's epoch, together with the reply's end and its usage.
 * (4) \`created_at\` is the database's clock under the lock, never before its predecessor's.
 *
 * \`sends\` is an array of objects: n, conversation_id, author (0 = the assistant), client_key, content, content_hash, message_id; of people also reply_id, answer_within_ms and mentions_assistant;
 * of the assistant also question_seq, epoch, provider, model, tokens_in, tokens_out, finish_reason.
 * Outcomes, one row per send: sent, replayed, not_found, key_reused, stale (the reply is no longer the caller's to end). `waits`: the sender's call waits for the answer.
 */
export const SEND_MESSAGES = `
create function edgechat.send_messages(sends json)
returns table (n int, outcome text, seq bigint, message_id uuid, created_at timestamptz, reply_id uuid, reply_status text, deadline_at timestamptz, waits boolean, author_name text)
language plpgsql as $$
#variable_conflict use_column
declare
  s record;
  c edgechat.conversations;
  m edgechat.messages;
  r edgechat.replies;
  name text;
  waits_for_answer boolean;
begin
  perform from edgechat.conversations where id in (select (x ->> 'conversation_id')::uuid from json_array_elements(sends) x) order by id for no key update;

  for s in
    select * from json_to_recordset(sends) as x(n int, conversation_id uuid, author bigint, client_key text, content text, content_hash text, message_id uuid,
      reply_id uuid, answer_within_ms int, mentions_assistant boolean, question_seq bigint, epoch int, provider text, model text, tokens_in int, tokens_out int, finish_reason text)
    order by x.n
  loop
    r := null;
    m := null;
    select * into c from edgechat.conversations t where t.id = s.conversation_id and t.deleted_at is null;
    -- Who is not a member may not send: to them the conversation is not there.
    if c.id is null or (s.author <> 0 and not exists (select from edgechat.members t where t.conversation_id = c.id and t.account_id = s.author)) then
      return query select s.n, 'not_found', null::bigint, null::uuid, null::timestamptz, null::uuid, null::text, null::timestamptz, false, null::text;
      continue;
    end if;

    waits_for_answer := c.kind = 'assistant' and c.assistant = 'always';
    select coalesce(t.display_name, 'User ' || t.id) into name from edgechat.accounts t where t.id = s.author;

    if s.client_key is not null then
      select * into m from edgechat.messages t where t.conversation_id = c.id and t.author = s.author and t.client_key = s.client_key;
      if m.seq is not null and s.author <> 0 and m.content_hash <> s.content_hash then
        return query select s.n, 'key_reused', null::bigint, null::uuid, null::timestamptz, null::uuid, null::text, null::timestamptz, false, null::text;
        continue;
      end if;
      if m.seq is not null then
        -- A failed answer, or one whose time ran out unseen, is asked for anew; the same row goes on in the next epoch.
        update edgechat.replies t set status = 'queued', epoch = t.epoch + 1, lease_until = null, failure_code = null, retry_after_s = null,
            accepted_at = clock_timestamp(), next_at = clock_timestamp() + interval '2 seconds', deadline_at = clock_timestamp() + make_interval(secs => s.answer_within_ms / 1000.0)
          where t.conversation_id = c.id and t.question_seq = m.seq and s.author <> 0
            and (t.status = 'failed' or (t.status <> 'done' and t.deadline_at < clock_timestamp()));
        select * into r from edgechat.replies t where t.conversation_id = c.id and t.question_seq = m.seq;
        return query select s.n, 'replayed', m.seq, m.message_id, m.created_at, r.id, r.status, r.deadline_at, waits_for_answer, name;
        continue;
      end if;
    end if;

    m.seq := c.last_seq + 1;
    m.created_at := greatest(date_trunc('milliseconds', clock_timestamp()), c.updated_at);
    if s.author = 0 then
      update edgechat.replies t set status = 'done', answer_seq = m.seq, lease_until = null, provider = s.provider, model = s.model,
          tokens_in = s.tokens_in, tokens_out = s.tokens_out, finish_reason = s.finish_reason, failure_code = null, retry_after_s = null
        where t.conversation_id = c.id and t.question_seq = s.question_seq and t.status = 'running' and t.epoch = s.epoch
        returning * into r;
      if r.id is null then
        return query select s.n, 'stale', null::bigint, null::uuid, null::timestamptz, null::uuid, null::text, null::timestamptz, false, null::text;
        continue;
      end if;
      insert into edgechat.answer_usage (id, account_id, conversation_id, kind, provider, model, tokens_in, tokens_out)
        values (r.id, r.account_id, c.id, 'reply', s.provider, s.model, s.tokens_in, s.tokens_out);
    elsif c.assistant = 'always' or (c.assistant = 'mention' and s.mentions_assistant) then
      insert into edgechat.replies (conversation_id, question_seq, id, account_id, status, next_at, accepted_at, deadline_at)
        values (c.id, m.seq, s.reply_id, s.author, 'queued', clock_timestamp() + interval '2 seconds', clock_timestamp(), clock_timestamp() + make_interval(secs => s.answer_within_ms / 1000.0))
        returning * into r;
    end if;

    insert into edgechat.messages (conversation_id, seq, message_id, author, client_key, content_hash, answers_seq, created_at)
      values (c.id, m.seq, s.message_id, s.author, s.client_key, s.content_hash, s.question_seq, m.created_at);
    insert into edgechat.outbox (conversation_id, seq, kind, content, next_at)
      select c.id, m.seq, t.kind, t.content, clock_timestamp() + interval '2 seconds'
      from (values ('store', s.content), ('fan_out', null), ('index', null)) t(kind, content);
    update edgechat.conversations t set last_seq = m.seq, updated_at = m.created_at, revision = t.revision + 1 where t.id = c.id;
    -- The asker's next look at the inbox shows the answer, whatever is still owed.
    insert into edgechat.inbox as t (account_id, conversation_id, ordered_at)
      select mem.account_id, c.id, m.created_at from edgechat.members mem
      where mem.conversation_id = c.id and mem.account_id = coalesce(nullif(s.author, 0), r.account_id)
      on conflict (account_id, conversation_id) do update set ordered_at = greatest(t.ordered_at, excluded.ordered_at);
    update edgechat.members t set read_seq = m.seq where t.conversation_id = c.id and t.account_id = s.author;
    return query select s.n, 'sent', m.seq, s.message_id, m.created_at, r.id, r.status, r.deadline_at, waits_for_answer, name;
  end loop;
end $$;
`;
