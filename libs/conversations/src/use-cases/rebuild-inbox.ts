import { Injectable } from '@nestjs/common';
import type { ConversationId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import { patiently } from '../persistence/patiently.js';
import { WalkConversations, type WalkedConversation } from '../queries/walk-conversations.js';

/** How far a rebuild of the inboxes has come, and what it had to put right. */
export interface InboxProgress {
  /** Inbox rows looked at. */
  done: number;
  total: number;
  /** Inbox rows written or put right. */
  written: number;
  /** Inbox rows of nobody's conversation removed. */
  removed: number;
  /** Conversations whose member count was wrong. */
  counted: number;
}

interface InboxKey {
  readonly account_id: number;
  readonly conversation_id: string;
}

const WALKED_AT_ONCE = 1_000;
/** A transaction holds up sends to its conversations: it must stay short. One conversation has at most 10,000 members. */
const CONVERSATIONS_AT_ONCE = 20;
const MEMBERS_AT_ONCE = 1_000;
const ROWS_AT_ONCE = 2_000;
const REMOVED_AT_ONCE = 200;

// Holds off sends and changes of the members. A statement of its own: one that had to wait for the lock would show what was there before it.
const LOCK: Statement = {
  name: 'conversations.lock_for_rebuild',
  text: 'select id from edgechat.conversations where id = any($1::uuid[]) order by id for no key update',
};
const COUNT_MEMBERS: Statement = {
  name: 'conversations.recount_members',
  text: `update edgechat.conversations c set member_count = n.members, is_large = c.is_large or n.members > $2::int
         from (select x.id, (select count(*)::int from edgechat.members m where m.conversation_id = x.id) as members from unnest($1::uuid[]) x(id)) n
         where c.id = n.id and c.deleted_at is null and (c.member_count <> n.members or (n.members > $2::int and not c.is_large))
         returning 1 as counted`,
};
// In the order of conversation, then account, as deliveries write them: neither waits for the other in a circle.
const WRITE_ROWS: Statement = {
  name: 'conversations.rewrite_inbox',
  text: `insert into edgechat.inbox as i (account_id, conversation_id, ordered_at)
         select m.account_id, m.conversation_id, case when c.is_large then '-infinity' else greatest(c.updated_at, m.joined_at) end
         from edgechat.conversations c join edgechat.members m on m.conversation_id = c.id
         where c.id = any($1::uuid[]) and c.deleted_at is null order by m.conversation_id, m.account_id
         on conflict (account_id, conversation_id) do update set ordered_at = excluded.ordered_at where i.ordered_at <> excluded.ordered_at
         returning 1 as written`,
};

const IS_NOBODYS = `not exists (select from edgechat.members m join edgechat.conversations c on c.id = m.conversation_id and c.deleted_at is null
  where m.conversation_id = i.conversation_id and m.account_id = i.account_id)`;
const ROWS_AFTER: Statement = {
  name: 'conversations.inbox_rows_after',
  text: `select account_id, conversation_id, ($3::uuid is null or conversation_id = $3) and ${IS_NOBODYS} as is_nobodys
         from (select account_id, conversation_id from edgechat.inbox where (account_id, conversation_id) > ($1::bigint, $2::uuid) order by account_id, conversation_id limit ${ROWS_AT_ONCE}) i
         order by account_id, conversation_id`,
};
const REMOVE_ROWS: Statement = {
  name: 'conversations.remove_inbox_rows',
  text: `with gone as (
           select i.account_id, i.conversation_id from unnest($1::bigint[], $2::uuid[]) x(account_id, conversation_id)
             join edgechat.inbox i on i.account_id = x.account_id and i.conversation_id = x.conversation_id
           where ${IS_NOBODYS} order by i.conversation_id, i.account_id for update of i)
         delete from edgechat.inbox i using gone where i.account_id = gone.account_id and i.conversation_id = gone.conversation_id returning 1 as removed`,
};

/** Makes the inboxes anew from what decides: the conversations and their members. The system may run meanwhile. */
@Injectable()
export class RebuildInbox {
  constructor(
    private readonly postgres: Postgres,
    private readonly conversations: WalkConversations,
    private readonly config: Config,
  ) {}

  /**
   * Every member gets an inbox row with the instant that orders it, member counts are right, and rows of nobody's conversation go. In short transactions; `progress` is kept up to date.
   * Safe to end in the middle and to repeat.
   * @param only one conversation, or null for all
   * @throws Unavailable when PostgreSQL is away for longer than a minute
   */
  async run(only: ConversationId | null, progress: InboxProgress, signal: AbortSignal): Promise<void> {
    progress.total = (await this.conversations.measure(only, signal)).members;
    for await (const page of this.conversations.pages(only, WALKED_AT_ONCE, signal)) {
      for (const batch of batchesOf(page)) {
        const { written, counted } = await patiently(signal, () =>
          this.postgres.transaction((sql) =>
            this.write(
              sql,
              batch.map(({ id }) => id),
            ),
          ),
        );
        progress.written += written;
        progress.counted += counted;
        progress.done += membersOf(batch);
      }
    }
    await this.removeNobodys(only, progress, signal);
  }

  private async write(sql: Sql, ids: readonly ConversationId[]): Promise<{ written: number; counted: number }> {
    await sql.query(LOCK, [ids]);
    const counted = await sql.query(COUNT_MEMBERS, [ids, this.config.fanOutWriteLimit]);
    const written = await sql.query(WRITE_ROWS, [ids]);
    return { written: written.length, counted: counted.length };
  }

  private async removeNobodys(
    only: ConversationId | null,
    progress: InboxProgress,
    signal: AbortSignal,
  ): Promise<void> {
    for (
      let after: InboxKey | undefined = { account_id: 0, conversation_id: '00000000-0000-0000-0000-000000000000' };
      after !== undefined;
    ) {
      const from: InboxKey = after;
      const rows = await patiently(signal, () =>
        this.postgres.query<InboxKey & { is_nobodys: boolean }>(ROWS_AFTER, [
          from.account_id,
          from.conversation_id,
          only,
        ]),
      );
      const nobodys = rows.filter((row) => row.is_nobodys);
      for (let n = 0; n < nobodys.length; n += REMOVED_AT_ONCE) {
        const some = nobodys.slice(n, n + REMOVED_AT_ONCE);
        progress.removed += await patiently(signal, () => this.postgres.transaction((sql) => this.remove(sql, some)));
      }
      after = rows.length === ROWS_AT_ONCE ? rows.at(-1) : undefined;
    }
  }

  /** Looks again under the lock: who was made a member meanwhile keeps the row. */
  private async remove(sql: Sql, rows: readonly InboxKey[]): Promise<number> {
    const conversations = rows.map((row) => row.conversation_id);
    await sql.query(LOCK, [conversations]);
    return (await sql.query(REMOVE_ROWS, [rows.map((row) => row.account_id), conversations])).length;
  }
}

const membersOf = (conversations: readonly WalkedConversation[]): number =>
  conversations.reduce((sum, { member_count }) => sum + member_count, 0);

function* batchesOf(page: readonly WalkedConversation[]): Generator<readonly WalkedConversation[]> {
  let batch: WalkedConversation[] = [];
  for (const conversation of page) {
    if (
      batch.length === CONVERSATIONS_AT_ONCE ||
      (batch.length > 0 && membersOf(batch) + conversation.member_count > MEMBERS_AT_ONCE)
    ) {
      yield batch;
      batch = [];
    }
    batch.push(conversation);
  }
  if (batch.length > 0) yield batch;
}
