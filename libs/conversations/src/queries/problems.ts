/** What `admin verify` can find, each with the sentence that tells of it. */
export const PROBLEMS = {
  hole: 'the message before this one is missing',
  doubled_seq: 'two messages have this number',
  wrong_last_seq: 'the conversation does not end with the message that it says is its last',
  wrong_revision: 'the revision is lower than the number of changes',
  wrong_updated_at: 'the instant of the last change is not that of the last message',
  lost_text: 'the text is in neither store',
  doubled_document: 'MongoDB has two documents for one message',
  foreign_document: 'MongoDB has another document at the place of this message',
  document_without_message: 'MongoDB has a document for a message that does not exist',
  document_without_conversation: 'MongoDB has a document of a conversation that does not exist',
  malformed_document: 'MongoDB has a document that says no place of a message',
  not_indexed: 'the message is not in the search index, and nobody owes that',
  wrong_member_count: 'the number of members is wrong',
  wrong_members: 'a direct conversation has other than two members, or one with the assistant other than one',
  not_one_owner: 'there is no owner, or more than one',
  wrong_read_mark: 'a member has read more messages than there are',
  member_without_inbox: 'a member does not have the conversation in the inbox',
  inbox_without_member: 'an inbox has a conversation that the account is no member of',
  wrong_inbox_order: 'an inbox has the conversation at the wrong place, and nobody owes that',
  doubled_direct: 'two direct conversations of one pair',
  direct_without_pair: 'a direct conversation is not entered for its pair',
  orphan_pair: 'a pair is entered for a direct conversation that does not exist',
  orphan_member: 'a member of a conversation that does not exist',
  orphan_message: 'a message of a conversation that does not exist',
  orphan_reply: 'an answer is owed to a message that does not exist',
  orphan_debt: 'something is owed for a message that does not exist',
  orphan_index_row: 'the search index has a message that does not exist',
  done_without_answer: 'a reply is done, but its answer does not exist',
  answer_without_reply: 'an answer that no reply led to',
  overdue_reply: 'a reply is still open a minute after its deadline',
  stuck_debt: 'something owed was tried three times in vain, or is overdue by more than a minute',
  deleted_without_purge: 'a deleted conversation that nobody will remove',
  shared_mailbox: 'two accounts have one e-mail address in two spellings; each logs in with its own',
  mailbox_key_missing: 'the e-mail address is compared in this spelling alone: run migrate',
} as const;

export type ProblemKind = keyof typeof PROBLEMS;

/** What is told and need not be mended. */
export const NOTICES: ReadonlySet<ProblemKind> = new Set<ProblemKind>(['shared_mailbox']);

/** The columns that say where a problem is. */
export type Key = Readonly<Record<string, string>>;

/** Somewhere, something looks wrong. */
export interface Suspect {
  /** Who saw it, and can look again. */
  readonly seenBy: string;
  readonly key: Key;
  readonly kinds: readonly ProblemKind[];
}

/** What is wrong. */
export interface Finding {
  readonly kind: ProblemKind;
  readonly count: number;
  /** Where, for the first of them, at most 20. */
  readonly first: readonly Key[];
}

const FIRST = 20;

/** Counts what is wrong, and remembers the first of each kind. */
export class Findings {
  private readonly found = new Map<ProblemKind, { count: number; readonly first: Key[] }>();

  add({ key, kinds }: Pick<Suspect, 'key' | 'kinds'>): void {
    for (const kind of kinds) {
      const known = this.found.get(kind) ?? { count: 0, first: [] };
      known.count += 1;
      if (known.first.length < FIRST) known.first.push(key);
      this.found.set(kind, known);
    }
  }

  /** In the order of the table of problems. */
  list(): Finding[] {
    return kindsOfProblems().flatMap((kind) => {
      const known = this.found.get(kind);
      return known ? [{ kind, ...known }] : [];
    });
  }
}

function kindsOfProblems(): ProblemKind[] {
  const isKind = (name: string): name is ProblemKind => name in PROBLEMS;
  return Object.keys(PROBLEMS).filter(isKind);
}
