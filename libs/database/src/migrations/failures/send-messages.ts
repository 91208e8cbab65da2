/**
 * The door of every message: numbers and writes a batch of sends in one transaction, at READ COMMITTED. One statement writes them all, so that a batch costs little more than a send.
 *
 * What holds: (1) the conversations that have one of the authors as a member are locked first, in the order of their ids; each later statement sees what was committed before the lock was had.
 * (2) Membership is asked before the key, the key before a number is given. (3) An answer is written only while its reply is running in the caller's epoch, together with the reply's end and its usage.
 * (4) \`created_at\` is the database's clock under the lock, never before its predecessor's. (5) Inbox rows are written in the order of conversation, then account, as deliveries write them: neither waits for the other in a circle.
 * (6) The order of a sole member's inbox, and of the sender's and the asker's, is written here; that of other members is owed, but in a large conversation, which is ordered on reading.
 *
 * \`sends\` is an array of objects: n, conversation_id, author (0 = the assistant), client_key, content, content_hash, message_id; of people also reply_id, answer_within_ms and mentions_assistant;
 * of the assistant also question_seq, epoch, provider, model, tokens_in, tokens_out, finish_reason; its client_key is the reply's id. What the release before leaves out: is_input_cut, is_history_refused,
 * failed_calls ([{call, tokens_in, tokens_out}], or null): what the run's calls before the answer are billed for, which is added to the reply's usage.
 * \`stored\`, or null: the places (conversation_id, seq) of earlier messages that MongoDB has by now, whose debts end with this transaction.
 * \`of_day\` (UTC), or null where nothing is limited, and what an account may use on it, each null where that is not limited: \`text_limit\` in bytes, \`token_limit\`. Besides what the author of each send used
 * that \`daily_use\` does not know yet, in the order of n: \`pending_bytes\` (of the sends before it too, in this batch and in others under way), \`pending_tokens\`; null where all are 0.
 * A new message beyond the bytes is refused, as is one beyond the tokens whose sender would wait for the answer; else a reply beyond the tokens is failed. So is one that a repeat would ask for anew: a repeat is never refused.
 * Outcomes, one row per send: sent, replayed, not_found, key_reused, stale (the reply is no longer the caller's to end), and storage_exhausted, budget_exhausted (nothing is kept; \`retry_after_s\` says when to come back).
 * \`waits\`: the sender's call waits for the answer. \`fans_out\`: the inboxes of others are owed.
 * A key that comes twice in one batch is one message: the later one is a replay of the first.
 */
export const SEND_MESSAGES = `
create or replace function edgechat.send_messages(sends json, stored json, of_day date, text_limit bigint, token_limit bigint, pending_bytes bigint[], pending_tokens bigint[])
returns table (n int, outcome text, seq bigint, message_id uuid, created_at timestamptz, reply_id uuid, reply_status text, deadline_at timestamptz, waits boolean, author_name text, fans_out boolean, retry_after_s int)
language plpgsql
-- One plan for all calls: one without limits would be cheaper made anew each time, by what a planner takes for the costs, though to make it takes longer than all the rest.
-- A plan that was made while a table was small is kept: it must look rows up by their keys all the same. So what counts is the rows that a plan reads, and no join reads all of a table.
set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set enable_memoize = off set cpu_tuple_cost = 10 set random_page_cost = 0.01
as $$
#variable_conflict use_column
declare
  stamp timestamptz;
  endable int[] := '{}';
  locked uuid[];
begin
  if stored is not null then
    perform edgechat.settle_stored(stored);
  end if;

  -- Who is no member waits for no lock, and gets none: a stranger to a conversation cannot hold up its members. Who became one after this look is refused below, for nothing is written without the lock.
  -- (The membership by a subquery that gives a value, which is looked up by its key for each send.)
  locked := array(
    select c.id from edgechat.conversations c
    where c.id in (
      select s.conversation_id from json_to_recordset(sends) as s(conversation_id uuid, author bigint)
      where s.author = 0 or (select true from edgechat.members u where u.conversation_id = s.conversation_id and u.account_id = s.author))
    order by c.id for no key update);
  stamp := date_trunc('milliseconds', clock_timestamp());

  -- The answers whose replies are theirs to end. The lock keeps them so.
  if exists (select from json_array_elements(sends) x where x ->> 'author' = '0') then
    endable := array(
      select s.n from json_to_recordset(sends) as s(n int, conversation_id uuid, author bigint, question_seq bigint, epoch int)
        join edgechat.replies t on t.conversation_id = s.conversation_id and t.question_seq = s.question_seq
      where s.author = 0 and t.status = 'running' and t.epoch = s.epoch order by t.conversation_id, t.question_seq for update of t);
  end if;

  return query
  with looked as materialized (
    select s.*, c.kind as c_kind, c.assistant as c_mode, c.last_seq as c_last, c.updated_at as c_at, c.member_count as c_members, c.is_large as c_large, who.name,
      -- Who is not a member may not send: to them the conversation is not there.
      c.id is not null and (s.author = 0 or coalesce(who.is_member, false)) and s.conversation_id = any (locked) as is_let_in,
      -- (What is not limited is null here, and so not true.)
      case when w.tokens >= edgechat.tokens_allowed(token_limit, who.created_at, stamp) then edgechat.tokens_back_in_s(token_limit, w.tokens, who.created_at, of_day, stamp) end as tokens_back_in_s,
      s.author <> 0 and coalesce((who.used).text_bytes, 0) + coalesce(pending_bytes[s.n + 1], 0) + octet_length(s.content) > text_limit as is_over_bytes,
      m.seq as old_seq, m.message_id as old_id, m.created_at as old_at, m.content_hash as old_hash,
      case when s.client_key is null then 1 else row_number() over (partition by s.conversation_id, s.author, s.client_key order by s.n = any (endable) desc, s.n) end as nth
    from json_to_recordset(sends) as s(n int, conversation_id uuid, author bigint, client_key text, content text, content_hash text, message_id uuid,
        reply_id uuid, answer_within_ms int, mentions_assistant boolean, question_seq bigint, epoch int, provider text, model text, tokens_in int, tokens_out int, finish_reason text, is_input_cut boolean, is_history_refused boolean, failed_calls json)
      left join lateral (select * from edgechat.conversations t where t.id = s.conversation_id and t.deleted_at is null limit 1) c on true
      left join lateral (select coalesce(t.display_name, 'User ' || t.id) as name, t.created_at, (select u from edgechat.daily_use u where u.account_id = s.author and u.day = of_day) as used,
          exists (select from edgechat.members u where u.conversation_id = s.conversation_id and u.account_id = s.author) as is_member
        from edgechat.accounts t where t.id = s.author limit 1) who on true
      left join lateral (select * from edgechat.messages t where t.conversation_id = s.conversation_id and t.author = s.author and t.client_key = s.client_key limit 1) m on s.client_key is not null
      cross join lateral (select coalesce((who.used).tokens, 0) + coalesce(pending_tokens[s.n + 1], 0) as tokens) w
  ), fresh as materialized (
    select l.*, l.c_last + row_number() over (partition by l.conversation_id order by l.n) as new_seq, greatest(stamp, l.c_at) as new_at,
      l.author <> 0 and (l.c_mode = 'always' or (l.c_mode = 'mention' and l.mentions_assistant)) as is_question
    from looked l
    where l.is_let_in and l.old_seq is null and l.nth = 1
      and (l.author <> 0 and l.is_over_bytes is not true and not (l.tokens_back_in_s is not null and l.c_kind = 'assistant' and l.c_mode = 'always') or l.n = any (endable))
  ), written as (
    insert into edgechat.messages (conversation_id, seq, message_id, author, client_key, content_hash, answers_seq, created_at, bytes)
      select f.conversation_id, f.new_seq, f.message_id, f.author, f.client_key, f.content_hash, f.question_seq, f.new_at, octet_length(f.content) from fresh f
  ), owed as (
    insert into edgechat.outbox (conversation_id, seq, kind, content, next_at)
      select f.conversation_id, f.new_seq, t.kind, t.content, stamp + interval '2 seconds'
      from fresh f cross join lateral (values ('store', f.content), ('search', f.content), ('fan_out', null)) t(kind, content)
      where t.kind <> 'fan_out' or not (f.c_large or f.c_members = 1)
  ), asked as (
    insert into edgechat.replies (conversation_id, question_seq, id, account_id, status, failure_code, retry_after_s, knows_budgets, next_at, accepted_at, deadline_at)
      select f.conversation_id, f.new_seq, f.reply_id, f.author, case when f.tokens_back_in_s is null then 'queued' else 'failed' end,
        case when f.tokens_back_in_s is not null then 'budget_exhausted' end, f.tokens_back_in_s,
        of_day is not null, stamp + interval '2 seconds', stamp, clock_timestamp() + make_interval(secs => f.answer_within_ms / 1000.0)
      from fresh f where f.is_question
      returning *
  ), ended as (
    update edgechat.replies t set status = 'done', answer_seq = f.new_seq, lease_until = null, provider = f.provider, model = f.model,
        tokens_in = f.tokens_in, tokens_out = f.tokens_out, finish_reason = f.finish_reason, failure = null, failure_code = null, put_back_for = null, not_before = null, retry_after_s = null,
        is_input_cut = coalesce(f.is_input_cut, false), is_history_refused = coalesce(f.is_history_refused, false)
      from fresh f where f.author = 0 and t.conversation_id = f.conversation_id and t.question_seq = f.question_seq
      returning t.*, f.failed_calls
  ), charged as (
    -- With it the run's calls that failed, of which none is in the row: only now they are told. What runs before were billed for may be there.
    insert into edgechat.answer_usage as t (id, account_id, conversation_id, kind, provider, model, tokens_in, tokens_out, counted_calls)
      select e.id, e.account_id, e.conversation_id, 'reply', e.provider, e.model, edgechat.sum_of_tokens(e.tokens_in, b.tokens_in), edgechat.sum_of_tokens(e.tokens_out, b.tokens_out), edgechat.last_calls(b.calls)
      from ended e
        cross join lateral (select sum(c.tokens_in) as tokens_in, sum(c.tokens_out) as tokens_out, array_agg(edgechat.call_number(e.epoch, c.call)) as calls
          from json_to_recordset(coalesce(e.failed_calls, '[]')) as c(call int, tokens_in int, tokens_out int)) b
      on conflict (id) do update set provider = excluded.provider, model = excluded.model, counted_calls = edgechat.last_calls(t.counted_calls || excluded.counted_calls),
        tokens_in = edgechat.sum_of_tokens(t.tokens_in, excluded.tokens_in), tokens_out = edgechat.sum_of_tokens(t.tokens_out, excluded.tokens_out)
  ), anew as (
    -- A failed answer, or one whose time ran out unseen, is asked for anew, unless it comes just now, or would fail again for what the question is; the same row goes on in the next epoch, and ends there while the tokens are used up.
    update edgechat.replies t set status = case when l.tokens_back_in_s is null then 'queued' else 'failed' end, epoch = t.epoch + 1, lease_until = null, knows_budgets = of_day is not null,
        failure = null, failure_code = case when l.tokens_back_in_s is not null then 'budget_exhausted' end, retry_after_s = l.tokens_back_in_s,
        put_back_for = null, not_before = null, calls = 0, is_input_cut = false,
        accepted_at = stamp, next_at = stamp + interval '2 seconds', deadline_at = clock_timestamp() + make_interval(secs => l.answer_within_ms / 1000.0)
      from looked l where l.is_let_in and l.author <> 0 and l.old_hash = l.content_hash and t.conversation_id = l.conversation_id and t.question_seq = l.old_seq
        and ((t.status = 'failed' and coalesce(t.failure, t.failure_code, '') not in ('ai_refused', 'ai_input_too_long')) or (t.status in ('queued', 'running') and t.deadline_at < clock_timestamp()))
        and not exists (select from fresh f where f.author = 0 and f.conversation_id = t.conversation_id and f.question_seq = t.question_seq)
      returning t.*
  ), grown as (
    update edgechat.conversations t set last_seq = g.top, updated_at = g.at, revision = t.revision + g.messages
      from (select f.conversation_id, max(f.new_seq) as top, max(f.new_at) as at, count(*) as messages from fresh f group by 1) g where t.id = g.conversation_id
  ), read as (
    -- (\`has_sent\` changes once: afterwards the row goes on without its indexes.)
    update edgechat.members t set read_seq = g.top, has_sent = t.has_sent or g.is_among_people
      from (select f.conversation_id, f.author, max(f.new_seq) as top, bool_or(f.c_kind <> 'assistant') as is_among_people from fresh f where f.author <> 0 group by 1, 2) g where t.conversation_id = g.conversation_id and t.account_id = g.author
  ), ordered as (
    insert into edgechat.inbox as t (account_id, conversation_id, ordered_at)
      select g.account_id, g.conversation_id, max(g.new_at) from (
        select f.author as account_id, f.conversation_id, f.new_at from fresh f where f.author <> 0 and not f.c_large
        union all
        select u.account_id, f.conversation_id, f.new_at from fresh f
          cross join lateral (select e.account_id from ended e where e.conversation_id = f.conversation_id and e.question_seq = f.question_seq) asker
          join edgechat.members u on u.conversation_id = f.conversation_id and (f.c_members = 1 or u.account_id = asker.account_id)
          where f.author = 0 and not f.c_large
      ) g group by 1, 2 order by 2, 1
      on conflict (account_id, conversation_id) do update set ordered_at = excluded.ordered_at where t.ordered_at < excluded.ordered_at
  )
  select l.n, o.outcome, case when o.is_told then coalesce(f.new_seq, l.old_seq) end, case when o.is_told then coalesce(f.message_id, l.old_id) end, case when o.is_told then coalesce(f.new_at, l.old_at) end,
    case when o.is_told then r.id end, case when o.is_told then r.status end, case when o.is_told then r.deadline_at end, o.is_told and l.c_kind = 'assistant' and l.c_mode = 'always', case when o.is_told then l.name end, o.outcome = 'sent' and not (l.c_large or l.c_members = 1),
    case o.outcome when 'storage_exhausted' then edgechat.tokens_back_in_s(null, null, null, of_day, stamp) when 'budget_exhausted' then l.tokens_back_in_s end
  from looked l
    left join lateral (select * from fresh t where t.conversation_id = l.conversation_id and (t.n = l.n or (l.nth > 1 and t.author = l.author and t.client_key = l.client_key)) limit 1) f on true
    cross join lateral (select case
        when not l.is_let_in then 'not_found'
        -- (A key that comes twice: what refused the first holds for the later one, which may be shorter.)
        when f.n is null and l.old_seq is null then case when l.author = 0 then 'stale' when l.is_over_bytes is not true and l.tokens_back_in_s is not null and l.c_kind = 'assistant' and l.c_mode = 'always' then 'budget_exhausted' else 'storage_exhausted' end
        when l.author <> 0 and coalesce(l.old_hash, f.content_hash) <> l.content_hash then 'key_reused'
        when f.n = l.n then 'sent' else 'replayed' end as outcome) d
    cross join lateral (select d.outcome, d.outcome in ('sent', 'replayed') as is_told) o
    left join lateral (
      select id, status, deadline_at from asked t where t.conversation_id = l.conversation_id and t.question_seq = f.new_seq
      union all select id, status, deadline_at from ended t where t.conversation_id = l.conversation_id and t.question_seq = case l.author when 0 then l.question_seq else l.old_seq end
      union all select id, status, deadline_at from anew t where t.conversation_id = l.conversation_id and t.question_seq = l.old_seq
      union all select id, status, deadline_at from edgechat.replies t where t.conversation_id = l.conversation_id and t.question_seq = l.old_seq
      limit 1) r on true;
end $$;
`;
