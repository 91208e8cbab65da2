import type { Statement } from '@edgechat/platform/postgres';

/** A running reply whose lease is not renewed for this long is taken over by another worker. */
export const LEASE_MS = 4_000;

const MINE = `conversation_id = $1 and question_seq = $2 and epoch = $3 and status = 'running'`;

/** Ends a run, and charges what its calls are billed for ($4, or null) whether the run was still its reply's or not. (Rows of replies are locked before those of usage, as \`send_messages\` locks them.) */
const endRun = (set: string): string =>
  `with ended as (update edgechat.replies set ${set} where ${MINE} returning id)
   select edgechat.charge_calls($4::json) from (select count(*) from ended) ended`;

// What comes after a question that waits for its provider waits with it, except that a deadline that has passed is seen.
export const NEXT_QUESTION: Statement = {
  name: 'replies.next_question',
  text: `select n.conversation_id, n.question_seq, n.account_id, extract(epoch from n.deadline_at - clock_timestamp())::float8 * 1000 as left_ms
         from (select * from edgechat.replies where conversation_id = $1 and status in ('queued', 'running') order by question_seq limit 1) n
         where (n.status = 'queued' and (n.not_before is null or least(n.not_before, n.deadline_at) <= clock_timestamp())) or n.lease_until <= clock_timestamp()`,
};

export const PUT_OFF: Statement = {
  name: 'replies.put_off',
  text: `update edgechat.replies set next_at = clock_timestamp() + interval '2 seconds' where conversation_id = $1 and question_seq = $2 and status = 'queued'`,
};

// Its columns are named: a prepared statement that gives others than before, since a migration added some to the row, is refused on its connection for ever.
// (What is known of the conversation is looked up for the one row: a join, for which PostgreSQL expects a thousand rows of the function, reads all conversations.)
export const CLAIM: Statement = {
  name: 'replies.claim',
  text: `select r.id, r.conversation_id, r.question_seq, r.account_id, r.status, r.epoch, r.calls, r.put_back_for, extract(epoch from r.deadline_at - clock_timestamp())::float8 * 1000 as left_ms,
           (select c.kind from edgechat.conversations c where c.id = r.conversation_id) as kind,
           (select c.kind = 'assistant' and c.assistant = 'always' from edgechat.conversations c where c.id = r.conversation_id) as is_waited_for
         from edgechat.claim_next_reply($1, ${LEASE_MS}, $2) r`,
};

export const RENEW: Statement = {
  name: 'replies.renew',
  text: `update edgechat.replies r set lease_until = clock_timestamp() + interval '${LEASE_MS} milliseconds'
         from (
           select t.conversation_id, t.question_seq from unnest($1::uuid[], $2::bigint[], $3::int[]) as mine(conversation_id, question_seq, epoch)
           join edgechat.replies t using (conversation_id, question_seq, epoch) where t.status = 'running'
           order by t.conversation_id, t.question_seq for update of t
         ) mine
         where r.conversation_id = mine.conversation_id and r.question_seq = mine.question_seq returning r.id`,
};

export const FAIL: Statement = {
  name: 'replies.fail',
  text: endRun(
    `status = 'failed', lease_until = null, failure = $5, failure_code = edgechat.failure_code_before($5, knows_budgets), retry_after_s = $6, calls = calls + $7, is_input_cut = $8`,
  ),
};

export const PUT_BACK: Statement = {
  name: 'replies.put_back',
  text: endRun(
    `status = 'queued', lease_until = null, epoch = epoch + 1, put_back_for = $5, retry_after_s = $6, calls = calls + $7, is_input_cut = $8,
     not_before = clock_timestamp() + make_interval(secs => $9::int), next_at = least(clock_timestamp() + make_interval(secs => $9::int), deadline_at)`,
  ),
};

export const GIVE_BACK: Statement = {
  name: 'replies.give_back',
  text: endRun(
    `status = 'queued', lease_until = null, epoch = epoch + 1, calls = calls + $5, put_back_for = coalesce($6, put_back_for), retry_after_s = case when $6 is null then retry_after_s else $7::int end,
     next_at = clock_timestamp() + interval '1 second'`,
  ),
};

export const NEXT_OF_ACCOUNT: Statement = {
  name: 'replies.next_of_account',
  text: `select conversation_id from edgechat.replies q where account_id = $1 and status = 'queued' and conversation_id <> $2
           and not exists (select from edgechat.replies r where r.conversation_id = q.conversation_id
             and (r.status = 'running' or (r.status = 'queued' and r.not_before > clock_timestamp() and r.question_seq <= q.question_seq)))
         group by 1 order by min(accepted_at) limit $3`,
};

// (`greatest` passes over what is null.) The lowest unfinished reply of a conversation decides: what stands behind one that runs, or waits for its provider, has nothing done for it, and whoever ends that one looks for the next.
export const LIST_DUE: Statement = {
  name: 'replies.list_due',
  text: `select conversation_id
         from (select distinct on (conversation_id) conversation_id, status, least(greatest(next_at, not_before), deadline_at) as due_at, lease_until
           from edgechat.replies where status in ('queued', 'running') order by conversation_id, question_seq) lowest
         where (status = 'queued' and due_at <= statement_timestamp()) or lease_until <= statement_timestamp()
         order by due_at limit 500`,
};

export const LOOK: Statement = {
  name: 'replies.look',
  text: `select r.id, r.status, r.answer_seq, coalesce(r.failure, r.failure_code) as failure_code, r.retry_after_s, r.is_input_cut from edgechat.replies r join edgechat.conversations c on c.id = r.conversation_id and c.deleted_at is null
         where r.conversation_id = $1 and r.question_seq = $2`,
};

// Two ranges of the primary key: the questions of the messages that were read, and those, further back, that some of these answer.
export const LIST_EARLIER: Statement = {
  name: 'replies.list_earlier',
  text: `select question_seq, is_refused, is_history_refused
         from (
           select question_seq, is_history_refused, ((status = 'failed' and failure = 'ai_refused') or (status = 'done' and finish_reason = 'content-filter')) is true as is_refused
           from (
             select * from edgechat.replies where conversation_id = $1 and question_seq >= $2 and question_seq < $3
             union all select * from edgechat.replies where conversation_id = $1 and question_seq = any($4::bigint[])
           ) t
         ) r
         where is_refused or is_history_refused`,
};
