import { Injectable } from '@nestjs/common';
import type { ConversationKind } from '@edgechat/conversations';
import type { AccountId, ConversationId, ReplyId } from '@edgechat/kernel';
import { Postgres } from '@edgechat/platform/postgres';
import type { EarlierReply } from '../domain/history.js';
import type { FailureCode, ReplyOutcome, RunningReply } from '../domain/reply.js';
import {
  CLAIM,
  FAIL,
  GIVE_BACK,
  LIST_DUE,
  LIST_EARLIER,
  LOOK,
  NEXT_OF_ACCOUNT,
  NEXT_QUESTION,
  PUT_BACK,
  PUT_OFF,
  RENEW,
} from './reply-statements.js';

export { LEASE_MS } from './reply-statements.js';

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
  readonly is_waited_for: boolean;
  readonly calls: number;
  readonly put_back_for: FailureCode | null;
}

interface EarlierRow {
  readonly question_seq: number;
  readonly is_refused: boolean;
  readonly is_history_refused: boolean;
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

/** What a run without an answer leaves behind. */
export interface RunCost {
  /** Calls of the provider that it made. */
  readonly calls: number;
  /** What they are billed for, as `toBill` gives it: charged once, also to a run that is not its reply's any more. */
  readonly bill: string | null;
}

/** What a provider said when it gave no answer. */
export interface ProviderSaid {
  readonly code: FailureCode;
  /** Whole seconds. */
  readonly retryAfterS: number | null;
}

/** Why a run has no answer. */
export interface RunFailure extends RunCost, ProviderSaid {
  /** The model was not shown all of the question. */
  readonly isInputCut: boolean;
}

/** The rows of replies. */
@Injectable()
export class Replies {
  constructor(private readonly postgres: Postgres) {}

  /** Whose turn a conversation's next question is, or null when none is to be answered now. It claims nothing. @throws Unavailable `postgres` */
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

  /** Takes the lowest unfinished reply of a conversation to work on: see the function `edgechat.claim_next_reply`. @throws Unavailable `postgres` */
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

  /** Ends a run without an answer; if another run has begun, only what this one is billed for is charged. May be repeated. @throws Unavailable `postgres` */
  async fail(reply: RunningReply, { code, retryAfterS, calls, bill, isInputCut }: RunFailure): Promise<void> {
    await this.postgres.query(FAIL, [...mine(reply), bill, code, retryAfterS, calls, isInputCut]);
  }

  /** Puts a run's reply back into the queue for whoever has time in `waitS` seconds, or at its deadline; else as `fail`. @throws Unavailable `postgres` */
  async putBack(reply: RunningReply, failure: RunFailure, waitS: number): Promise<void> {
    const { code, retryAfterS, calls, bill, isInputCut } = failure;
    await this.postgres.query(PUT_BACK, [...mine(reply), bill, code, retryAfterS, calls, isInputCut, waitS]);
  }

  /** Puts a run's reply back into the queue for anybody, with what its provider said last, if it said anything; else as `fail`. @throws Unavailable `postgres` */
  async giveBack(reply: RunningReply, { calls, bill }: RunCost, said: ProviderSaid | null = null): Promise<void> {
    await this.postgres.query(GIVE_BACK, [...mine(reply), bill, calls, said?.code ?? null, said?.retryAfterS ?? null]);
  }

  /** Other conversations in which this account waits for an answer that could be made now, and none is being made, the longest wait first, at most `limit`. @throws Unavailable `postgres` */
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

  /**
   * What later histories need to know of the questions from `lowestSeq` on that stand before this one, and of those with the numbers `further`: only replies that change what is shown.
   * @throws Unavailable `postgres`
   */
  async listEarlier(
    { conversationId, questionSeq }: ReplyPlace,
    lowestSeq: number,
    further: readonly number[],
  ): Promise<EarlierReply[]> {
    const rows = await this.postgres.query<EarlierRow>(LIST_EARLIER, [conversationId, lowestSeq, questionSeq, further]);
    return rows.map((row) => ({
      questionSeq: row.question_seq,
      isRefused: row.is_refused,
      isHistoryRefused: row.is_history_refused,
    }));
  }

  /** What became of a reply that was there: when it is not found, its conversation was deleted. @throws Unavailable `postgres` */
  async look({ conversationId, questionSeq }: ReplyPlace): Promise<ReplyOutcome> {
    const [row] = await this.postgres.query<ReplyRow>(LOOK, [conversationId, questionSeq]);
    return row ? toOutcome(row) : { status: 'gone' };
  }
}

const mine = ({ conversationId, questionSeq, epoch }: RunningReply): unknown[] => [conversationId, questionSeq, epoch];

function toRunning(row: ClaimRow): RunningReply {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    kind: row.kind,
    questionSeq: row.question_seq,
    accountId: row.account_id,
    isWaitedFor: row.is_waited_for,
    calls: row.calls,
    putBackFor: row.put_back_for,
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
