import { Injectable } from '@nestjs/common';
import { Outbox, type Debt } from '@edgechat/platform/outbox';
import type { Sql, Statement } from '@edgechat/platform/postgres';

/** See the function `edgechat.order_inboxes`. */
const ORDER_INBOXES: Statement = {
  name: 'conversations.order_inboxes',
  text: 'select edgechat.order_inboxes($1::uuid[])',
};
const MEMBER_COUNTS: Statement = {
  name: 'conversations.member_counts',
  text: 'select id, member_count from edgechat.conversations where id = any($1::uuid[]) and not is_large',
};
const BATCH = 200;
/** Inbox rows that one transaction may write, so that it stays far below the time it has; but always those of one conversation. */
const ROWS_MAX = 4_000;

/** Brings the inboxes of conversations' members up to date with their messages. */
@Injectable()
export class FanOutMessages {
  constructor(private readonly outbox: Outbox) {}

  /** Pays what one conversation, or without one all of them, owe to their members' inboxes: the rows of a conversation once for all of its debts in a batch. Safe to repeat and to overlap. @throws Unavailable */
  async run(conversationId: string | null, signal: AbortSignal): Promise<void> {
    await this.outbox.pay({ conversationId, kind: 'fan_out', signal, batch: BATCH }, (sql, debts) =>
      this.order(sql, debts),
    );
  }

  /** @returns how many of the debts were paid, from the first on */
  private async order(sql: Sql, debts: readonly Debt[]): Promise<number> {
    const counts = await sql.query<{ id: string; member_count: number }>(MEMBER_COUNTS, [
      debts.map(({ conversationId }) => conversationId),
    ]);
    const members = new Map(counts.map((row) => [row.id, row.member_count]));
    const chosen = new Set<string>();
    let rows = 0;
    let paid = 0;
    for (const { conversationId } of debts) {
      if (!chosen.has(conversationId)) rows += members.get(conversationId) ?? 0;
      if (paid > 0 && rows > ROWS_MAX) break;
      chosen.add(conversationId);
      paid += 1;
    }
    await sql.query(ORDER_INBOXES, [[...chosen]]);
    return paid;
  }
}
