import { Injectable } from '@nestjs/common';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { AllDocuments, type Range } from '../persistence/all-documents.js';
import type { Place } from '../persistence/message-documents.js';
import { LOWEST_ID } from '../persistence/dump-format.js';
import { patiently } from '../persistence/patiently.js';

/** Messages that the ledger has and no store has the text of. */
export interface LostTexts {
  readonly count: number;
  /** The first of them, at most 10. */
  readonly first: readonly Place[];
}

type LedgerRow = Place & { readonly message_id: string; readonly is_needed: boolean };

const BATCH = 100;
const FIRST = 10;

// Whether it is needed is looked up by key per row: the plan stays the same for every size of the tables.
const LEDGER_AFTER: Statement = {
  name: 'conversations.ledger_after',
  text: `select m.conversation_id, m.seq, m.message_id,
           (select c.deleted_at is null from edgechat.conversations c where c.id = m.conversation_id) is true
           and not exists (select from edgechat.outbox o where o.conversation_id = m.conversation_id and o.seq = m.seq and o.kind = 'store') as is_needed
         from edgechat.messages m where (m.conversation_id, m.seq) > ($1::uuid, $2::bigint) order by m.conversation_id, m.seq limit ${BATCH}`,
};

/** Goes through the whole ledger and asks MongoDB for what is not in the outbox. */
@Injectable()
export class FindLostTexts {
  constructor(
    private readonly postgres: Postgres,
    private readonly documents: AllDocuments,
  ) {}

  /** Which texts of living conversations are in neither store; two round trips per 100 messages. @throws Unavailable when a store is away for longer than a minute */
  async run(signal: AbortSignal): Promise<LostTexts> {
    const first: Place[] = [];
    let count = 0;
    let from: Place | undefined = { conversation_id: LOWEST_ID, seq: 0 };
    while (from) {
      const { lost, last } = await this.lostAfter(from, signal);
      count += lost.length;
      first.push(...lost.slice(0, FIRST - first.length).map(({ conversation_id, seq }) => ({ conversation_id, seq })));
      from = last;
    }
    return { count, first };
  }

  private async lostAfter(
    { conversation_id, seq }: Place,
    signal: AbortSignal,
  ): Promise<{ lost: readonly Place[]; last: Place | undefined }> {
    const rows = await patiently(signal, () => this.postgres.query<LedgerRow>(LEDGER_AFTER, [conversation_id, seq]));
    const needed = rows.filter((row) => row.is_needed);
    const stored = await patiently(signal, () => this.documents.listIds(rangesOf(needed)));
    return { lost: needed.filter(({ message_id }) => !stored.has(message_id)), last: rows.at(-1) };
  }
}

/** One range per conversation. @param places in order */
function rangesOf(places: readonly Place[]): Range[] {
  const ranges = new Map<string, Range>();
  for (const { conversation_id, seq } of places) {
    const lowest = ranges.get(conversation_id)?.lowest ?? seq;
    ranges.set(conversation_id, { conversation_id, lowest, highest: seq });
  }
  return [...ranges.values()];
}
