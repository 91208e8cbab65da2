import { Injectable } from '@nestjs/common';
import type { ConversationKind } from '@edgechat/conversations';
import type { AccountId, ConversationId, ReplyId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { FailureCode, ReplyOutcome, RunningReply } from '../domain/reply.js';

/** A running reply whose lease is not renewed for this long is taken over by another worker. */
export const LEASE_MS = 4_000;

interface ReplyRow {
  readonly id: ReplyId;
  readonly conversation_id: ConversationId;
  readonly question_seq: number;
  readonly account_id: AccountId;
  readonly status: 'queued' | 'running' | 'done' | 'failed';
  readonly epoch: number;
  readonly left_ms: number;
  readonly answer_seq: number | null;
  readonly failure_code: FailureCode | null;
  readonly retry_after_s: number | null;
  readonly is_input_cut: boolean;
}

interface ClaimRow extends ReplyRow {
  readonly kind: ConversationKind;
}

/** Where a reply is: by these it is found on its conversation's shard. */
export interface ReplyPlace {
  readonly conversationId: ConversationId;
  readonly questionSeq: number;
}

/** `none`: nothing to do now. `waits`: the account has as many running as it may. `ended`: its time was over. */
export type Claim =
  | { readonly status: 'none' }
  | { readonly status: 'waits' }
  | { readonly status: 'ended' | 'mine'; readonly reply: RunningReply };

/** The question of a conversation that is to be answered next. */
export interface NextQuestion extends ReplyPlace {
  readonly accountId: AccountId;
  /** When its time is over, by this process's clock, in milliseconds since 1970. */
  readonly endsAt: number;
}

const MINE = `conversation_id = $1 and question_seq = $2 and epoch = $3 and status = 'running'`;
const NEXT_QUESTION: Statement = {
  name: 'replies.next_question',
  text: `select n.conversation_id, n.question_seq, n.account_id, extract(epoch from n.deadline_at - clock_timestamp())::float8 * 1000 as left_ms
         from (select * from edgechat.replies where conversation_id = $1 and status in ('queued', 'running') order by question_seq limit 1) n
         where n.status = 'queued' or n.lease_until <= clock_timestamp()`,
};
const PUT_OFF: Statement = {
  name: 'replies.put_off',
  text: `update edgechat.replies set next_at = clock_timestamp() + interval '2 seconds' where conversation_id = $1 and question_seq = $2 and status = 'queued'`,
};
// (The kind is looked up for the one row: a join, for which PostgreSQL expects a thousand rows of the function, reads all conversations.)
const CLAIM: Statement = {
  name: 'replies.claim',
  text: `select r.*, (select c.kind from edgechat.conversations c where c.id = r.conversation_id) as kind, extract(epoch from r.deadline_at - clock_timestamp())::float8 * 1000 as left_ms from edgechat.claim_reply($1, ${LEASE_MS}, $2) r`,
};
const RENEW: Statement = {
  name: 'replies.renew',
  text: `update edgechat.replies r set lease_until = clock_timestamp() + interval '${LEASE_MS} milliseconds'
         from (
           select t.conversation_id, t.question_seq from unnest($1::uuid[], $2::bigint[], $3::int[]) as mine(conversation_id, question_seq, epoch)
           join edgechat.replies t using (conversation_id, question_seq, epoch) where t.status = 'running'
           order by t.conversation_id, t.question_seq for update of t
         ) mine
         where r.conversation_id = mine.conversation_id and r.question_seq = mine.question_seq returning r.id`,
};
// (Who asked through the release before does not know of budgets.)
const FAIL: Statement = {
  name: 'replies.fail',
  text: `update edgechat.replies set status = 'failed', lease_until = null, failure_code = case when $4::text = 'budget_exhausted' and not knows_budgets then 'ai_quota_exceeded' else $4::text end, retry_after_s = $5 where ${MINE} returning id`,
};
const GIVE_BACK: Statement = {
  name: 'replies.give_back',
  text: `update edgechat.replies set status = 'queued', lease_until = null, epoch = epoch + 1, next_at = clock_timestamp() + interval '1 second' where ${MINE} returning id`,
};
const NEXT_OF_ACCOUNT: Statement = {
  name: 'replies.next_of_account',
  text: `select conversation_id from edgechat.replies q where account_id = $1 and status = 'queued' and conversation_id <> $2
           and not exists (select from edgechat.replies r where r.conversation_id = q.conversation_id and r.status = 'running')
         group by 1 order by min(accepted_at) limit $3`,
};
const LIST_DUE: Statement = {
  name: 'replies.list_due',
  text: `select distinct conversation_id from (
           select conversation_id from edgechat.replies where status in ('queued', 'running')
             and ((status = 'queued' and next_at <= statement_timestamp()) or lease_until <= statement_timestamp()) order by next_at limit 500) due`,
};
const LOOK: Statement = {
  name: 'replies.look',
  text: `select r.id, r.status, r.answer_seq, coalesce(r.failure, r.failure_code) as failure_code, r.retry_after_s, r.is_input_cut from edgechat.replies r join edgechat.conversations c on c.id = r.conversation_id and c.deleted_at is null
         where r.conversation_id = $1 and r.question_seq = $2`,
};

/** The rows of replies. */
@Injectable()
export class Replies {
  constructor(private readonly postgres: Postgres) {}

  /** Whose turn a conversation's next question is, or null when none waits to be answered. It claims nothing. @throws Unavailable `postgres` */
  async findNext(conversationId: string): Promise<NextQuestion | null> {
    const [row] = await this.postgres.query<ReplyRow>(NEXT_QUESTION, [conversationId]);
    if (!row) return null;
    return {
      conversationId: row.conversation_id,
      questionSeq: row.question_seq,
      accountId: row.account_id,
      endsAt: Date.now() + row.left_ms,
    };
  }

  /** Has the relay ring for a queued reply in 2 s, not each second: its account has enough under way, and its end rings sooner. @throws Unavailable `postgres` */
  async putOff({ conversationId, questionSeq }: ReplyPlace): Promise<void> {
    await this.postgres.query(PUT_OFF, [conversationId, questionSeq]);
  }

  /** Takes the lowest unfinished reply of a conversation to work on: see the function `edgechat.claim_reply`. @throws Unavailable `postgres` */
  async claim(conversationId: string, perAccount: number): Promise<Claim> {
    const [row] = await this.postgres.query<ClaimRow>(CLAIM, [conversationId, perAccount]);
    if (!row) return { status: 'none' };
    if (row.status === 'queued') return { status: 'waits' };
    return { status: row.status === 'running' ? 'mine' : 'ended', reply: toRunning(row) };
  }

  /** Keeps the leases of these runs alive; returns the ids of those that still hold theirs. @throws Unavailable `postgres` */
  async renew(replies: readonly RunningReply[]): Promise<ReadonlySet<ReplyId>> {
    const rows = await this.postgres.query<{ id: ReplyId }>(RENEW, [
      replies.map((reply) => reply.conversationId),
      replies.map((reply) => reply.questionSeq),
      replies.map((reply) => reply.epoch),
    ]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Ends a run without an answer; does nothing if another run has begun. @throws Unavailable `postgres` */
  async fail(reply: RunningReply, code: FailureCode, retryAfterS: number | null): Promise<void> {
    await this.postgres.query(FAIL, [reply.conversationId, reply.questionSeq, reply.epoch, code, retryAfterS]);
  }

  /** Puts a run's reply back into the queue for anybody; does nothing if another run has begun. @throws Unavailable `postgres` */
  async giveBack(reply: RunningReply): Promise<void> {
    await this.postgres.query(GIVE_BACK, [reply.conversationId, reply.questionSeq, reply.epoch]);
  }

  /** Other conversations in which this account waits for an answer and none is being made, the longest wait first, at most `limit`. @throws Unavailable `postgres` */
  async listNextOf(reply: RunningReply, limit: number): Promise<ConversationId[]> {
    const rows = await this.postgres.query<{ conversation_id: ConversationId }>(NEXT_OF_ACCOUNT, [
      reply.accountId,
      reply.conversationId,
      limit,
    ]);
    return rows.map((row) => row.conversation_id);
  }

  /** Conversations with a reply that should have been taken by now, or whose worker is gone; at most 500. @throws Unavailable `postgres` */
  async listDue(): Promise<string[]> {
    return (await this.postgres.query<{ conversation_id: string }>(LIST_DUE)).map((row) => row.conversation_id);
  }

  /** What became of a reply that was there: when it is not found, its conversation was deleted. @throws Unavailable `postgres` */
  async look({ conversationId, questionSeq }: ReplyPlace): Promise<ReplyOutcome> {
    const [row] = await this.postgres.query<ReplyRow>(LOOK, [conversationId, questionSeq]);
    return row ? toOutcome(row) : { status: 'gone' };
  }
}

function toRunning(row: ClaimRow): RunningReply {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    kind: row.kind,
    questionSeq: row.question_seq,
    accountId: row.account_id,
    epoch: row.epoch,
    endsAt: Date.now() + row.left_ms,
  };
}

function toOutcome(row: ReplyRow): ReplyOutcome {
  const { status, answer_seq: answerSeq, is_input_cut: isInputCut } = row;
  if (status === 'done' && answerSeq !== null) return { status, answerSeq, isInputCut };
  if (status === 'failed')
    return { status, code: row.failure_code ?? 'ai_failed', retryAfterS: row.retry_after_s, isInputCut };
  return { status: status === 'running' ? 'running' : 'queued' };
}
