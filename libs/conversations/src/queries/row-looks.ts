import type { Statement } from '@edgechat/platform/postgres';
import type { ProblemKind } from './problems.js';

type KeyType = 'uuid' | 'bigint' | 'text';

/** How to look at the rows of one table, page by page in the order of the key, and again at some. */
export interface RowLook {
  readonly name: string;
  readonly key: readonly (readonly [column: string, type: KeyType])[];
  readonly pageRows: number;
  readonly page: Statement;
  readonly again: Statement;
}

interface Table {
  readonly name: string;
  readonly key: RowLook['key'];
  readonly pageRows: number;
  /** What else is looked at, for each row `t`. */
  readonly joins: readonly string[];
  /** When something is wrong with row `t`. */
  readonly problems: Partial<Record<ProblemKind, string>>;
}

/** One row by key: the plan stays the same for every size of the tables. */
export const one = (alias: string, columns: string, table: string, condition: string): string =>
  `left join lateral (select ${columns} from edgechat.${table} x where ${condition} limit 1) ${alias} on true`;
export const CONVERSATION = one('c', 'x.*', 'conversations', 'x.id = t.conversation_id');
export const LIVES = 'c.id is not null and c.deleted_at is null';
export const problemsOf = (problems: Table['problems']): string =>
  `array_remove(array[${Object.entries(problems)
    .map(([kind, condition]) => `case when ${condition} then '${kind}' end`)
    .join(', ')}]::text[], null)`;

// A deleted conversation has no members and no places in inboxes; its messages, index rows and replies go with its purges.

const CONVERSATIONS: Table = {
  name: 'conversations',
  key: [['id', 'uuid']],
  pageRows: 100, // of up to 10,000 members each
  joins: [
    `left join lateral (select count(*) as members, count(*) filter (where x.role = 'owner') as owners, min(x.account_id) as low, max(x.account_id) as high from edgechat.members x where x.conversation_id = t.id) m on true`,
    'left join lateral (select x.seq, x.created_at from edgechat.messages x where x.conversation_id = t.id order by x.seq desc limit 1) l on true',
    one('p', 'x.conversation_id', 'direct_pairs', 'x.low_account = m.low and x.high_account = m.high'),
    one('g', 'x.seq', 'outbox', `x.conversation_id = t.id and x.kind = 'purge'`),
  ],
  problems: {
    wrong_last_seq: 't.deleted_at is null and coalesce(l.seq, 0) <> t.last_seq',
    wrong_revision: 't.deleted_at is null and t.revision <= t.last_seq',
    wrong_updated_at: 't.deleted_at is null and l.seq = t.last_seq and l.created_at <> t.updated_at',
    wrong_member_count: 't.deleted_at is null and m.members <> t.member_count',
    wrong_members: `t.deleted_at is null and ((t.kind = 'direct' and m.members <> 2) or (t.kind = 'assistant' and m.members <> 1))`,
    not_one_owner: 't.deleted_at is null and m.owners <> 1',
    doubled_direct: `t.deleted_at is null and t.kind = 'direct' and p.conversation_id <> t.id`,
    direct_without_pair: `t.deleted_at is null and t.kind = 'direct' and p.conversation_id is null`,
    deleted_without_purge: 't.deleted_at is not null and g.seq is null',
  },
};

// As long as a fan-out is owed, an inbox may be behind, but not further than the message before the lowest that is owed for, nor than where the member came.
const MEMBERS: Table = {
  name: 'members',
  key: [
    ['conversation_id', 'uuid'],
    ['account_id', 'bigint'],
  ],
  pageRows: 1_000,
  joins: [
    CONVERSATION,
    one('i', 'x.ordered_at', 'inbox', 'x.account_id = t.account_id and x.conversation_id = t.conversation_id'),
    `left join lateral (select x.seq from edgechat.outbox x where x.conversation_id = t.conversation_id and x.kind = 'fan_out' order by x.seq limit 1) f on true`,
    one('b', 'x.created_at', 'messages', 'x.conversation_id = t.conversation_id and x.seq = f.seq - 1'),
  ],
  problems: {
    orphan_member: `not (${LIVES})`,
    wrong_read_mark: `${LIVES} and t.read_seq > c.last_seq`,
    member_without_inbox: `${LIVES} and i.ordered_at is null`,
    wrong_inbox_order: `${LIVES} and case when c.is_large then i.ordered_at <> '-infinity'
      else i.ordered_at > greatest(c.updated_at, t.joined_at)
        or i.ordered_at < greatest(t.joined_at, case when f.seq is null then c.updated_at else coalesce(b.created_at, c.created_at) end) end`,
  },
};

const INBOX: Table = {
  name: 'inbox',
  key: [
    ['account_id', 'bigint'],
    ['conversation_id', 'uuid'],
  ],
  pageRows: 1_000,
  joins: [one('m', 'x.account_id', 'members', 'x.conversation_id = t.conversation_id and x.account_id = t.account_id')],
  problems: { inbox_without_member: 'm.account_id is null' },
};

const DIRECT_PAIRS: Table = {
  name: 'direct_pairs',
  key: [
    ['low_account', 'bigint'],
    ['high_account', 'bigint'],
  ],
  pageRows: 1_000,
  joins: [CONVERSATION],
  problems: { orphan_pair: `(${LIVES} and c.kind = 'direct') is not true` },
};

const REPLIES: Table = {
  name: 'replies',
  key: [
    ['conversation_id', 'uuid'],
    ['question_seq', 'bigint'],
  ],
  pageRows: 1_000,
  joins: [
    CONVERSATION,
    one('q', 'x.seq', 'messages', 'x.conversation_id = t.conversation_id and x.seq = t.question_seq'),
    one(
      'a',
      'x.answers_seq',
      'messages',
      'x.conversation_id = t.conversation_id and x.seq = t.answer_seq and x.author = 0',
    ),
  ],
  problems: {
    orphan_reply: `c.id is null or (${LIVES} and q.seq is null)`,
    done_without_answer: `${LIVES} and t.status = 'done' and a.answers_seq is distinct from t.question_seq`,
    overdue_reply: `t.status in ('queued', 'running') and t.deadline_at < clock_timestamp() - interval '60 seconds'`,
  },
};

const OUTBOX: Table = {
  name: 'outbox',
  key: [
    ['conversation_id', 'uuid'],
    ['kind', 'text'],
    ['seq', 'bigint'],
  ],
  pageRows: 1_000,
  joins: [CONVERSATION, one('m', 'x.seq', 'messages', 'x.conversation_id = t.conversation_id and x.seq = t.seq')],
  problems: {
    orphan_debt: `t.kind <> 'purge' and (c.id is null or (${LIVES} and m.seq is null))`,
    stuck_debt: `t.attempts >= 3 or t.next_at < clock_timestamp() - interval '60 seconds'`,
  },
};

const SEARCH_WORDS: Table = {
  name: 'search_words',
  key: [
    ['conversation_id', 'uuid'],
    ['seq', 'bigint'],
  ],
  pageRows: 1_000,
  joins: [CONVERSATION, one('m', 'x.seq', 'messages', 'x.conversation_id = t.conversation_id and x.seq = t.seq')],
  problems: { orphan_index_row: `c.id is null or (${LIVES} and m.seq is null)` },
};

// Views: what they hold is wrong.
const ACCOUNTS_OF_ONE_MAILBOX: Table = {
  name: 'accounts_of_one_mailbox',
  key: [
    ['account_id', 'bigint'],
    ['other_account_id', 'bigint'],
  ],
  pageRows: 1_000,
  joins: [],
  problems: { shared_mailbox: 'true' },
};

const ACCOUNTS_WITHOUT_MAILBOX_KEY: Table = {
  name: 'accounts_without_mailbox_key',
  key: [['account_id', 'bigint']],
  pageRows: 1_000,
  joins: [],
  problems: { mailbox_key_missing: 'true' },
};

/** The looks at the tables, but for the ledger. */
export const ROW_LOOKS: readonly RowLook[] = [
  CONVERSATIONS,
  MEMBERS,
  INBOX,
  DIRECT_PAIRS,
  REPLIES,
  OUTBOX,
  SEARCH_WORDS,
  ACCOUNTS_OF_ONE_MAILBOX,
  ACCOUNTS_WITHOUT_MAILBOX_KEY,
].map(lookOf);

function lookOf({ name, key, pageRows, joins, problems }: Table): RowLook {
  const columns = key.map(([column]) => column).join(', ');
  const looked = `array[${key.map(([column]) => `t.${column}::text`).join(', ')}] as key, ${problemsOf(problems)} as problems`;
  const after = key.map(([, type], n) => `$${n + 1}::${type}`).join(', ');
  const keys = key.map(([, type], n) => `$${n + 1}::${type}[]`).join(', ');
  const same = key.map(([column]) => `x.${column} = k.${column}`).join(' and ');
  return {
    name,
    key,
    pageRows,
    page: {
      name: `verify.${name}`,
      text: `select ${looked} from (select * from edgechat.${name} where (${columns}) > (${after}) order by ${columns} limit ${pageRows}) t ${joins.join(' ')} order by ${key.map(([column]) => `t.${column}`).join(', ')}`,
    },
    again: {
      name: `verify.${name}_again`,
      text: `select ${looked} from unnest(${keys}) k(${columns}) cross join lateral (select * from edgechat.${name} x where ${same} limit 1) t ${joins.join(' ')}`,
    },
  };
}
