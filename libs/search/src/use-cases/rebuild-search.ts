import { Injectable } from '@nestjs/common';
import { patiently, WalkConversations } from '@edgechat/conversations';
import type { ConversationId } from '@edgechat/kernel';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import { IndexMessages } from './index-messages.js';

/** How far a rebuild of the search index has come. */
export interface SearchProgress {
  /** Messages indexed, of so many. */
  done: number;
  total: number;
  /** Index rows removed that belonged to no message. */
  removed: number;
  /** Messages that could not be indexed: their text is in neither store. */
  lost: number;
}

interface Place {
  readonly conversation_id: string;
  readonly seq: number;
}

/** Places of one conversation, both ends included. */
interface Range {
  readonly id: ConversationId;
  readonly lowest: number;
  readonly highest: number;
}

const WALKED_AT_ONCE = 1_000;
/** Less than half of the pool, for most of the time is spent waiting for a store. */
const SIDE_BY_SIDE = 4;
const RANGE = 100;
const ROWS_AT_ONCE = 1_000;
const REMOVED_AT_ONCE = 100;
const BEFORE_ALL: Place = { conversation_id: '00000000-0000-0000-0000-000000000000', seq: 0 };

const HAS_NO_MESSAGE =
  'not exists (select from edgechat.messages m where m.conversation_id = w.conversation_id and m.seq = w.seq)';
const ROWS_AFTER: Statement = {
  name: 'search.rows_after',
  text: `select conversation_id, seq, ${HAS_NO_MESSAGE} as is_orphan
         from (select conversation_id, seq from edgechat.search_words where (conversation_id, seq) > ($1::uuid, $2::bigint) and ($3::uuid is null or conversation_id = $3) order by conversation_id, seq limit ${ROWS_AT_ONCE}) w
         order by conversation_id, seq`,
};
const LIVE: Statement = {
  name: 'search.is_live',
  text: 'select 1 as found from edgechat.conversations where id = $1 and deleted_at is null',
};
// A message may be sent to the very place. A statement of its own, so that the next one sees what was sent while it waited.
const LOCK: Statement = {
  name: 'search.lock_for_rebuild',
  text: 'select id from edgechat.conversations where id = any($1::uuid[]) order by id for no key update',
};
const REMOVE_ROWS: Statement = {
  name: 'search.remove_rows',
  text: `delete from edgechat.search_words w using unnest($1::uuid[], $2::bigint[]) x(conversation_id, seq)
         where w.conversation_id = x.conversation_id and w.seq = x.seq and ${HAS_NO_MESSAGE} returning 1 as removed`,
};
/** What the release before this one searched. */
const EMPTY_OLD: Statement = {
  name: 'search.empty_old',
  text: `with page as (select conversation_id, seq from edgechat.search_index where (conversation_id, seq) > ($1::uuid, $2::bigint) and ($3::uuid is null or conversation_id = $3) order by conversation_id, seq limit ${ROWS_AT_ONCE})
         delete from edgechat.search_index o using page where o.conversation_id = page.conversation_id and o.seq = page.seq returning o.conversation_id, o.seq`,
};

/** Makes the search index anew from the texts. The system may run meanwhile: what is sent now is owed to the index as ever. */
@Injectable()
export class RebuildSearch {
  constructor(
    private readonly postgres: Postgres,
    private readonly conversations: WalkConversations,
    private readonly index: IndexMessages,
  ) {}

  /**
   * Indexes every message, at most 100 at a time, removes index rows of no message, and empties the index of the release before. `progress` is kept up to date. Safe to end in the middle and to repeat.
   * @param only one conversation, or null for all
   * @throws Unavailable when a store is away for longer than a minute
   */
  async run(only: ConversationId | null, progress: SearchProgress, signal: AbortSignal): Promise<void> {
    progress.total = (await this.conversations.measure(only, signal)).messages;
    const ranges = this.ranges(only, signal);
    const lane = async (): Promise<void> => {
      for await (const range of ranges) await this.indexRange(range, progress, signal);
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
    await this.removeOrphans(only, progress, signal);
    await this.emptyOld(only, signal);
  }

  /** The places of all conversations. */
  private async *ranges(only: ConversationId | null, signal: AbortSignal): AsyncGenerator<Range> {
    for await (const page of this.conversations.pages(only, WALKED_AT_ONCE, signal)) {
      for (const { id, last_seq } of page) {
        for (let lowest = 1; lowest <= last_seq; lowest += RANGE)
          yield { id, lowest, highest: Math.min(lowest + RANGE - 1, last_seq) };
      }
    }
  }

  private async indexRange(
    { id, lowest, highest }: Range,
    progress: SearchProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const messages = highest - lowest + 1;
    const indexed = await patiently(signal, () => this.index.reindex(id, lowest, highest));
    progress.done += messages;
    // Of a conversation that was deleted meanwhile nothing is missed.
    if (indexed < messages && (await patiently(signal, () => this.postgres.query(LIVE, [id]))).length > 0)
      progress.lost += messages - indexed;
  }

  private async removeOrphans(
    only: ConversationId | null,
    progress: SearchProgress,
    signal: AbortSignal,
  ): Promise<void> {
    for (let after: Place | undefined = BEFORE_ALL; after !== undefined;) {
      const from: Place = after;
      const rows = await patiently(signal, () =>
        this.postgres.query<Place & { is_orphan: boolean }>(ROWS_AFTER, [from.conversation_id, from.seq, only]),
      );
      const orphans = rows.filter((row) => row.is_orphan);
      for (let n = 0; n < orphans.length; n += REMOVED_AT_ONCE) {
        const some = orphans.slice(n, n + REMOVED_AT_ONCE);
        progress.removed += await patiently(signal, () => this.postgres.transaction((sql) => this.remove(sql, some)));
      }
      after = rows.length === ROWS_AT_ONCE ? rows.at(-1) : undefined;
    }
  }

  private async remove(sql: Sql, rows: readonly Place[]): Promise<number> {
    const conversations = rows.map((row) => row.conversation_id);
    await sql.query(LOCK, [conversations]);
    return (await sql.query(REMOVE_ROWS, [conversations, rows.map(({ seq }) => seq)])).length;
  }

  private async emptyOld(only: ConversationId | null, signal: AbortSignal): Promise<void> {
    for (let from = BEFORE_ALL, gone = ROWS_AT_ONCE; gone === ROWS_AT_ONCE;) {
      const rows = await patiently(signal, () =>
        this.postgres.query<Place>(EMPTY_OLD, [from.conversation_id, from.seq, only]),
      );
      gone = rows.length;
      from = rows.reduce(
        (last, row) =>
          row.conversation_id > last.conversation_id ||
          (row.conversation_id === last.conversation_id && row.seq > last.seq)
            ? row
            : last,
        from,
      );
    }
  }
}
