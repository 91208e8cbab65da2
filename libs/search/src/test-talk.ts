import type { INestApplicationContext } from '@nestjs/common';
import { ConversationsModule, CreateConversation, prepareMessages } from '@edgechat/conversations';
import { accountId, type AccountId, type ConversationId } from '@edgechat/kernel';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import { parseQuery } from './domain/query.js';
import { SearchMessages } from './queries/search-messages.js';
import type { Hit, Search, SearchPosition } from './queries/search.js';
import { SearchIndexModule, SearchModule } from './search.module.js';
import { IndexMessages } from './use-cases/index-messages.js';

/** A message of a test: its text, or more of it. */
export type Said = string | { readonly text: string; readonly author?: number; readonly at?: Date };

/** Search as a process runs it, on stores of the test's own, with accounts 1 to 50. */
export class Talk {
  private constructor(
    readonly stores: OwnStores,
    readonly process: INestApplicationContext,
  ) {}

  /** @param env settings of the process */
  static async begin(env: Readonly<Record<string, string>> = {}): Promise<Talk> {
    const stores = await ownStores();
    const process = await inProcess(stores, [ConversationsModule, SearchModule, SearchIndexModule], {
      SEARCHES_AT_ONCE_PER_ACCOUNT: 'unlimited',
      ...env,
    });
    await prepareMessages(stores.env.MONGODB_URL, new URL(stores.env.MONGODB_URL).pathname.slice(1));
    await sql(
      stores.env.DATABASE_URL,
      `insert into edgechat.accounts (id, email, email_key, password_hash) select n, n::text, n::text, '' from generate_series(1, 50) n`,
    );
    return new Talk(stores, process);
  }

  get<T>(type: abstract new (...args: never[]) => T): T {
    return this.process.get(type, { strict: false });
  }

  async end(): Promise<void> {
    await this.process.close();
    await this.stores.close();
  }

  sql<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return sql<Row>(this.stores.env.DATABASE_URL, text, values);
  }

  /** A group of these accounts with these messages, all in the index. They are written straight into PostgreSQL, their texts still owed to MongoDB: as sends, thousands would take minutes. */
  async conversation(members: readonly number[], said: readonly Said[]): Promise<ConversationId> {
    const [creator = accountId(1), ...memberIds] = members.map(accountId);
    const { id } = await this.get(CreateConversation).create({
      creator,
      kind: 'group',
      title: null,
      assistant: 'off',
      memberIds,
      clientKey: null,
    });
    await this.say(id, said);
    return id;
  }

  /** Further messages, in the index too unless told. */
  async say(id: ConversationId, said: readonly Said[], { indexed = true } = {}): Promise<void> {
    if (said.length === 0) return;
    const [{ last = 0 } = {}] = await this.sql<{ last: number }>(
      'select last_seq::int as last from edgechat.conversations where id = $1',
      [id],
    );
    const now = Date.now() - said.length;
    const rows = said.map((one, i) => ({
      seq: last + i + 1,
      text: typeof one === 'string' ? one : one.text,
      author: typeof one === 'string' ? 1 : (one.author ?? 1),
      at: typeof one === 'string' ? new Date(now + i) : (one.at ?? new Date(now + i)),
    }));
    await this.sql(
      `with said as (select * from json_to_recordset($2::json) as x(seq bigint, text text, author bigint, at timestamptz)),
         ledger as (insert into edgechat.messages (conversation_id, seq, message_id, author, content_hash, created_at) select $1::uuid, seq, gen_random_uuid(), author, '', at from said),
         owed as (insert into edgechat.outbox (conversation_id, seq, kind, content, next_at) select $1::uuid, seq, 'store', text, clock_timestamp() from said)
       update edgechat.conversations c set last_seq = (select max(seq) from said), created_at = least(c.created_at, (select min(at) from said)), updated_at = (select max(at) from said) where c.id = $1::uuid`,
      [id, JSON.stringify(rows)],
    );
    for (let lowest = last + 1; indexed && lowest <= last + said.length; lowest += 100)
      await this.get(IndexMessages).reindex(id, lowest, Math.min(lowest + 99, last + said.length));
  }

  /** A page of hits of account 1, unless told; without `q`, of whatever text. */
  page(
    q: string | null,
    more: Partial<Search> = {},
  ): Promise<{ readonly hits: readonly Hit[]; readonly next: SearchPosition | null }> {
    const parsed = q === null ? null : parseQuery(q);
    if (parsed !== null && parsed.kind !== 'query') throw new Error(`${parsed.kind} in ${q}`);
    return this.get(SearchMessages).listHits({
      reader: accountId(1) as AccountId,
      query: parsed?.query ?? null,
      sort: 'relevance',
      limit: 100,
      after: null,
      conversationId: null,
      authorId: null,
      role: null,
      from: null,
      to: null,
      ...more,
    });
  }

  /** The texts of a page of hits. */
  async texts(q: string | null, more: Partial<Search> = {}): Promise<string[]> {
    return (await this.page(q, more)).hits.map(({ message }) => message.content);
  }

  /** All hits, page by page. */
  async all(
    q: string | null,
    more: Partial<Search> = {},
    between: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Hit[]> {
    const hits: Hit[] = [];
    let after: SearchPosition | null = null;
    do {
      const page = await this.page(q, { ...more, after });
      hits.push(...page.hits);
      after = page.next;
      await between();
    } while (after !== null);
    return hits;
  }
}
