/**
 * Gives the caller the lowest unfinished reply of a conversation to work on, if it is free: queued and due, or running under a lease that ran out. The claim raises the epoch.
 * No row: nothing to do now. A row with status 'failed': its time was over, and it was ended here. A row with status 'queued': it must wait, the account has \`per_account\` answers running.
 */
export const CLAIM_REPLY = `
alter function edgechat.claim_reply rename to claim_next_reply;

create or replace function edgechat.claim_next_reply(of_conversation uuid, lease_ms int, per_account int) returns setof edgechat.replies language plpgsql as $$
declare
  r edgechat.replies;
begin
  -- Claims of one conversation wait for each other: each sees what the one before it began.
  perform pg_advisory_xact_lock(1162038136, hashtext(of_conversation::text));
  select * into r from edgechat.replies t where t.conversation_id = of_conversation and t.status in ('queued', 'running') order by t.question_seq limit 1 for update;
  if r.id is null then
    return;
  end if;
  if r.deadline_at <= clock_timestamp() then
    return query update edgechat.replies t set status = 'failed', lease_until = null, not_before = null, epoch = t.epoch + 1,
        failure = coalesce(t.put_back_for, 'ai_timed_out'), failure_code = edgechat.failure_code_before(coalesce(t.put_back_for, 'ai_timed_out'), t.knows_budgets),
        retry_after_s = case when t.put_back_for is not null then t.retry_after_s end
      where t.id = r.id returning t.*;
    return;
  end if;
  -- It waits for its provider, and what comes after it waits with it. (Only a queued one does: a claim ends the wait.)
  if r.not_before > clock_timestamp() then
    return;
  end if;
  -- It, or a later one that was begun before this one was asked anew: the run that holds it looks again when it is over.
  if exists (select from edgechat.replies t where t.conversation_id = of_conversation and t.status = 'running' and t.lease_until > clock_timestamp()) then
    return;
  end if;
  -- Claims of one account wait for each other, else two workers could both count one too few.
  perform pg_advisory_xact_lock(1162038135, hashint8(r.account_id));
  if (select count(*) from edgechat.replies t where t.account_id = r.account_id and t.status = 'running' and t.lease_until > clock_timestamp()) >= per_account then
    -- Rung for when one of the account's ends; the relay need not ask each second.
    return query update edgechat.replies t set status = 'queued', epoch = t.epoch + 1, lease_until = null, next_at = clock_timestamp() + interval '2 seconds' where t.id = r.id returning t.*;
    return;
  end if;
  return query update edgechat.replies t set status = 'running', epoch = t.epoch + 1, lease_until = clock_timestamp() + make_interval(secs => lease_ms / 1000.0), not_before = null, failure = null
    where t.id = r.id returning t.*;
end $$;
`;

/**
 * The same for the release before, which has prepared \`select r.* from edgechat.claim_reply(…) r\` on each of its connections: once a prepared statement would give other columns than before, PostgreSQL refuses it on that
 * connection for ever. So it goes on giving the columns of the table as that release knows it, in their order, with their types and collations.
 */
export const CLAIM_REPLY_BEFORE = `
create type edgechat.claimed_reply_before as (
  conversation_id uuid,
  question_seq bigint,
  id uuid,
  account_id bigint,
  status text collate "C",
  epoch int,
  lease_until timestamptz,
  next_at timestamptz,
  accepted_at timestamptz,
  deadline_at timestamptz,
  answer_seq bigint,
  provider text collate "C",
  model text collate "C",
  tokens_in int,
  tokens_out int,
  finish_reason text collate "C",
  failure_code text collate "C",
  retry_after_s int,
  knows_budgets boolean);

create function edgechat.claim_reply(of_conversation uuid, lease_ms int, per_account int) returns setof edgechat.claimed_reply_before language sql as $$
  select r.conversation_id, r.question_seq, r.id, r.account_id, r.status, r.epoch, r.lease_until, r.next_at, r.accepted_at, r.deadline_at, r.answer_seq, r.provider, r.model,
    r.tokens_in, r.tokens_out, r.finish_reason, r.failure_code, r.retry_after_s, r.knows_budgets
  from edgechat.claim_next_reply(of_conversation, lease_ms, per_account) r
$$;
`;
