import { Injectable } from '@nestjs/common';
import type { ConversationId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { LOWEST_ID } from '../persistence/dump-format.js';
import { patiently } from '../persistence/patiently.js';

/** A conversation that lives, as somebody sees it who goes through all of them. */
export interface WalkedConversation {
  readonly id: ConversationId;
  readonly last_seq: number;
  readonly member_count: number;
}

/** What there is to go through. */
export interface Extent {
  readonly conversations: number;
  readonly messages: number;
  readonly members: number;
}

const COUNTED_AT_ONCE = 10_000;

const LIVE_AFTER: Statement = {
  name: 'conversations.walk',
  text: `select id, last_seq, member_count from edgechat.conversations where id > $1 and deleted_at is null and ($2::uuid is null or id = $2) order by id limit $3`,
};
const COUNT_AFTER: Statement = {
  name: 'conversations.count_some',
  text: `select count(*) as conversations, coalesce(sum(last_seq), 0)::bigint as messages, coalesce(sum(member_count), 0)::bigint as members, (array_agg(id order by id desc))[1] as last
         from (select id, last_seq, member_count from edgechat.conversations where id > $1 and deleted_at is null and ($2::uuid is null or id = $2) order by id limit ${COUNTED_AT_ONCE}) page`,
};

/** Goes through the conversations that live, in the order of their ids, while the system runs. One that is made meanwhile may be left out. */
@Injectable()
export class WalkConversations {
  constructor(private readonly postgres: Postgres) {}

  /** How much there is. @param only one conversation, or null for all @throws Unavailable when PostgreSQL is away for longer than a minute */
  async measure(only: ConversationId | null, signal: AbortSignal): Promise<Extent> {
    const extent = { conversations: 0, messages: 0, members: 0 };
    for (let after: string | null = LOWEST_ID; after !== null;) {
      const from: string = after;
      const [some] = await patiently(signal, () =>
        this.postgres.query<Extent & { last: string | null }>(COUNT_AFTER, [from, only]),
      );
      if (!some) throw new Error('PostgreSQL did not count');
      extent.conversations += some.conversations;
      extent.messages += some.messages;
      extent.members += some.members;
      after = some.conversations === COUNTED_AT_ONCE ? some.last : null;
    }
    return extent;
  }

  /** All of them, at most `size` at a time; the next are read only when they are asked for. @throws Unavailable when PostgreSQL is away for longer than a minute */
  async *pages(
    only: ConversationId | null,
    size: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly WalkedConversation[]> {
    for (let after: string | undefined = LOWEST_ID; after !== undefined;) {
      const from: string = after;
      const page = await patiently(signal, () =>
        this.postgres.query<WalkedConversation>(LIVE_AFTER, [from, only, size]),
      );
      if (page.length > 0) yield page;
      after = page.length === size ? page.at(-1)?.id : undefined;
    }
  }
}
