import { Injectable } from '@nestjs/common';
import { conversationId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { Place } from '../persistence/message-documents.js';
import { DocumentPlaces, type PlacedDocument, type Stretch } from '../persistence/document-places.js';
import { LOWEST_ID } from '../persistence/dump-format.js';
import { patiently } from '../persistence/patiently.js';
import type { Key, ProblemKind, Suspect } from './problems.js';
import { CONVERSATION, LIVES, one, problemsOf } from './row-looks.js';

/** What one step of a walk saw. */
export interface Step {
  readonly rows: number;
  readonly documents: number;
  readonly suspects: readonly Suspect[];
  /** Places of documents that no row was looked at for: to be looked at again before anything is said of them. */
  readonly unclear: readonly Place[];
}

/** A place, what the ledger says of it, and what of that is wrong. */
interface PlaceRow extends Place {
  readonly is_known: boolean;
  readonly is_living: boolean;
  readonly message_id: string | null;
  /** The text is in the outbox: MongoDB may have anything at this place. */
  readonly is_owed: boolean;
  readonly problems: readonly ProblemKind[];
}

export const PLACES = 'messages';
const PAGE = 1_000;

const looked = `k.conversation_id, k.seq, c.id is not null as is_known, ${LIVES} as is_living, t.message_id, s.seq is not null as is_owed,
  ${problemsOf({
    orphan_message: 't.seq is not null and c.id is null',
    hole: `t.seq > 1 and ${LIVES} and p.seq is null`,
    doubled_seq:
      '(select count(*) from edgechat.messages x where x.conversation_id = t.conversation_id and x.seq = t.seq) > 1',
    not_indexed: `t.seq is not null and ${LIVES} and w.seq is null and d.seq is null`,
    answer_without_reply: `t.author = 0 and ${LIVES} and (r.status is distinct from 'done' or r.answer_seq is distinct from t.seq)`,
  })} as problems`;
const debt = (alias: string, kind: string): string =>
  one(alias, 'x.seq', 'outbox', `x.conversation_id = k.conversation_id and x.kind = '${kind}' and x.seq = k.seq`);
const joins = [
  CONVERSATION.replace('t.conversation_id', 'k.conversation_id'),
  one(
    's',
    'x.seq',
    'outbox',
    `x.conversation_id = k.conversation_id and x.kind = 'store' and x.seq = k.seq and x.content is not null`,
  ),
  debt('d', 'search'),
  one('w', 'x.seq', 'search_words', 'x.conversation_id = k.conversation_id and x.seq = k.seq'),
  one('p', 'x.seq', 'messages', 'x.conversation_id = t.conversation_id and x.seq = t.seq - 1'),
  one(
    'r',
    'x.status, x.answer_seq',
    'replies',
    'x.conversation_id = t.conversation_id and x.question_seq = t.answers_seq',
  ),
].join(' ');
const LEDGER: Statement = {
  name: 'verify.messages',
  text: `select ${looked} from (select * from edgechat.messages where (conversation_id, seq) > ($1::uuid, $2::bigint) order by conversation_id, seq limit ${PAGE}) t
         cross join lateral (select t.conversation_id, t.seq) k ${joins} order by k.conversation_id, k.seq`,
};
const LEDGER_AGAIN: Statement = {
  name: 'verify.messages_again',
  text: `select ${looked} from unnest($1::uuid[], $2::bigint[]) k(conversation_id, seq)
         left join lateral (select * from edgechat.messages x where x.conversation_id = k.conversation_id and x.seq = k.seq limit 1) t on true ${joins} order by k.conversation_id, k.seq`,
};
/** Compares the ledger with the documents of MongoDB, place by place, in both directions. PostgreSQL is always asked first: what it does not owe any more MongoDB has. */
@Injectable()
export class VerifyPlaces {
  constructor(
    private readonly postgres: Postgres,
    private readonly documents: DocumentPlaces,
  ) {}

  /** Goes through the ledger and all documents, a page after the other in the order of places. @throws Unavailable when a store is away for longer than a minute */
  async *walk(signal: AbortSignal): AsyncGenerator<Step> {
    const homeless = await patiently(signal, () => this.documents.listHomeless(PAGE));
    yield stepOf(homeless, new Map());
    let before: Place | null = null;
    for (let isMore = true; isMore;) {
      const { conversation_id, seq }: Place = before ?? { conversation_id: LOWEST_ID, seq: 0 };
      const rows: PlaceRow[] = await patiently(signal, () =>
        this.postgres.query<PlaceRow>(LEDGER, [conversation_id, seq]),
      );
      isMore = rows.length === PAGE;
      const there = new Map(rows.map((row): [string, PlacedDocument[]] => [nameOf(row), []]));
      for await (const found of this.documentsAt(before, isMore ? (rows.at(-1) ?? null) : null, signal))
        yield stepOf(found, there);
      yield { rows: rows.length, documents: 0, suspects: suspectsOf(rows, there), unclear: [] };
      before = rows.at(-1) ?? before;
    }
  }

  /** Looks again at some places, at most 1,000. @throws Unavailable */
  async again(places: readonly Place[], signal: AbortSignal): Promise<readonly Suspect[]> {
    const rows = await patiently(signal, () =>
      this.postgres.query<PlaceRow>(LEDGER_AGAIN, [
        places.map(({ conversation_id }) => conversation_id),
        places.map(({ seq }) => seq),
      ]),
    );
    const stretches = runsOf(rows.filter((row) => row.is_living || !row.is_known));
    const found = await patiently(signal, () => this.documents.listStretches(stretches));
    const there = new Map(rows.map((row): [string, PlacedDocument[]] => [nameOf(row), []]));
    stepOf(found, there);
    return suspectsOf(rows, there);
  }

  /** All documents at places above `first`, up to and with `last` (null is no bound), some at a time; those without a number for a place only where a conversation lies whole between the two. */
  private async *documentsAt(
    first: Place | null,
    last: Place | null,
    signal: AbortSignal,
  ): AsyncGenerator<readonly PlacedDocument[]> {
    const isWithin = first !== null && first.conversation_id === last?.conversation_id;
    if (first !== null)
      yield* this.documentsOf(
        { conversation_id: first.conversation_id, after: first.seq, upTo: isWithin ? last.seq : null, limit: PAGE },
        signal,
      );
    if (isWithin) return;
    yield* this.between(first?.conversation_id ?? null, last?.conversation_id ?? null, signal);
    if (last !== null)
      yield* this.documentsOf(
        { conversation_id: last.conversation_id, after: null, upTo: last.seq, limit: PAGE },
        signal,
      );
  }

  private async *between(
    first: string | null,
    before: string | null,
    signal: AbortSignal,
  ): AsyncGenerator<readonly PlacedDocument[]> {
    for (let after = first, isMore = true; isMore;) {
      const from: string | null = after;
      const found = await patiently(signal, () => this.documents.listBetween(from, before, PAGE));
      yield found;
      const last = found.at(-1);
      isMore = found.length === PAGE && typeof last?.conversation_id === 'string';
      if (!isMore || typeof last?.conversation_id !== 'string') return;
      after = last.conversation_id;
      if (typeof last.seq === 'number')
        yield* this.documentsOf({ conversation_id: after, after: last.seq, upTo: null, limit: PAGE }, signal);
    }
  }

  private async *documentsOf(stretch: Stretch, signal: AbortSignal): AsyncGenerator<readonly PlacedDocument[]> {
    for (let after = stretch.after, isMore = true; isMore;) {
      const from: number | null = after;
      const found = await patiently(signal, () => this.documents.listOf({ ...stretch, after: from }));
      yield found;
      const seq = found.at(-1)?.seq;
      isMore = found.length === PAGE && typeof seq === 'number';
      after = typeof seq === 'number' ? seq : after;
    }
  }
}

/** The stretches that have these places and no others. @param places in order */
function runsOf(places: readonly Place[]): Stretch[] {
  const runs: Stretch[] = [];
  for (const { conversation_id, seq } of places) {
    const known = runs.at(-1);
    if (known?.conversation_id === conversation_id && known.upTo === seq - 1)
      runs.splice(-1, 1, { ...known, upTo: seq, limit: known.limit + 2 });
    else runs.push({ conversation_id, after: seq - 1, upTo: seq, limit: 2 });
  }
  return runs;
}

/** Puts documents to the rows of their places; the others are unclear, or malformed. */
function stepOf(found: readonly PlacedDocument[], there: ReadonlyMap<string, PlacedDocument[]>): Step {
  const unclear: Place[] = [];
  const suspects: Suspect[] = [];
  for (const document of found) {
    const at = isPlaced(document) ? there.get(nameOf(document)) : undefined;
    if (at) at.push(document);
    else if (isPlaced(document)) unclear.push({ conversation_id: document.conversation_id, seq: document.seq });
    else suspects.push({ seenBy: '', key: keyOf(document), kinds: ['malformed_document'] });
  }
  return { rows: 0, documents: found.length, suspects, unclear };
}

/** What is wrong with these places, given all documents that are at them. */
function suspectsOf(rows: readonly PlaceRow[], there: ReadonlyMap<string, readonly PlacedDocument[]>): Suspect[] {
  return rows.flatMap((row): Suspect[] => {
    const kinds = [...row.problems, ...wrongDocuments(row, there.get(nameOf(row)) ?? [])];
    return kinds.length > 0 ? [{ seenBy: PLACES, key: keyOf(row), kinds }] : [];
  });
}

/** A deleted conversation's documents are for its purges. */
function wrongDocuments(
  { is_known, is_living, message_id, is_owed }: PlaceRow,
  there: readonly PlacedDocument[],
): ProblemKind[] {
  if (!is_known) return there.length > 0 ? ['document_without_conversation'] : [];
  if (!is_living) return [];
  const kinds: ProblemKind[] = there.length > 1 ? ['doubled_document'] : [];
  if (message_id === null) return there.length > 0 ? [...kinds, 'document_without_message'] : [];
  if (is_owed) return kinds;
  if (there.some((document) => document.message_id !== message_id)) kinds.push('foreign_document');
  if (!there.some((document) => document.message_id === message_id)) kinds.push('lost_text');
  return kinds;
}

const nameOf = ({ conversation_id, seq }: Place): string => `${conversation_id} ${seq}`;
const isPlaced = (document: PlacedDocument): document is Place & PlacedDocument =>
  conversationId(document.conversation_id) !== null && Number.isSafeInteger(document.seq);
const keyOf = ({ conversation_id, seq }: Pick<PlacedDocument, 'conversation_id' | 'seq'>): Key => ({
  conversation_id: String(conversation_id),
  seq: String(seq),
});
