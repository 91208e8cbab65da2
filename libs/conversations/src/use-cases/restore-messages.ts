import { Injectable } from '@nestjs/common';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { DumpEntry, LiveStretch } from '../persistence/dump-format.js';
import { MessageDocuments, type MessageDocument } from '../persistence/message-documents.js';
import { patiently } from '../persistence/patiently.js';
import { FindLostTexts, type LostTexts } from '../queries/find-lost-texts.js';
import { END_CONVERSATION } from './delete-conversation.js';

/** How far a restore has come, and what it did with each message. */
export interface RestoreProgress {
  kept: number;
  /** Of conversations that the ledger does not have, or has as deleted. */
  unknown: number;
  /** Above the last message of their conversation: sent after the dump of PostgreSQL. */
  beyond: number;
  /** At a place where the ledger has another message. */
  foreign: number;
  /** Conversations ended: they were deleted while the backup was made. */
  ended: number;
}

interface LedgerAnswer {
  readonly last_seq: number | null;
  readonly message_id: string | null;
}

const BATCH = 100;
const BATCH_MAX_CHARACTERS = 1_048_576;

// One lookup by key for each place, whatever the sizes of the tables.
const JUDGE: Statement = {
  name: 'conversations.judge_restored',
  text: `select (select c.last_seq from edgechat.conversations c where c.id = x.conversation_id and c.deleted_at is null) as last_seq,
           (select m.message_id from edgechat.messages m where m.conversation_id = x.conversation_id and m.seq = x.seq) as message_id
         from unnest($1::uuid[], $2::bigint[]) with ordinality as x(conversation_id, seq, n) order by x.n`,
};
// One that is younger than the dump of the messages may live all the same: the dumps were then made in the wrong order, and its texts are reported as lost.
const DELETED_SINCE: Statement = {
  name: 'conversations.deleted_since',
  text: `select id from edgechat.conversations
         where id > $1 and ($2::uuid is null or id <= $2) and id <> all($3::uuid[]) and deleted_at is null and created_at < $4 order by id limit 1000`,
};

/**
 * Brings messages of a dump back into MongoDB, as far as the ledger knows them: PostgreSQL is restored before. Safe to end in the middle and to repeat.
 * Nothing else may write meanwhile.
 */
@Injectable()
export class RestoreMessages {
  constructor(
    private readonly postgres: Postgres,
    private readonly documents: MessageDocuments,
    private readonly lostTexts: FindLostTexts,
  ) {}

  /**
   * Puts messages at their places and ends the conversations that the dump says were deleted, then looks which texts are in neither store. Holds one batch in memory. `progress` is kept up to date.
   * @throws what `entries` throws (BadDump); what came before is restored then
   * @throws Unavailable when a store is away for longer than a minute
   */
  async run(entries: AsyncIterable<DumpEntry>, progress: RestoreProgress, signal: AbortSignal): Promise<LostTexts> {
    let batch: MessageDocument[] = [];
    let characters = 0;
    const flush = async (): Promise<void> => {
      await this.put(batch, progress, signal);
      [batch, characters] = [[], 0];
    };
    for await (const entry of entries) {
      if (entry.kind === 'conversations') {
        await flush();
        await this.endDeleted(entry.stretch, entry.begunAt, progress, signal);
        continue;
      }
      batch.push(entry.document);
      characters += entry.document.content.length;
      if (batch.length === BATCH || characters >= BATCH_MAX_CHARACTERS) await flush();
    }
    await flush();
    return this.lostTexts.run(signal);
  }

  private async put(batch: readonly MessageDocument[], progress: RestoreProgress, signal: AbortSignal): Promise<void> {
    if (batch.length === 0) return;
    const places = [batch.map((document) => document.conversation_id), batch.map(({ seq }) => seq)];
    const answers = await patiently(signal, () => this.postgres.query<LedgerAnswer>(JUDGE, places));
    const fates = batch.map((document, n) => ({ document, fate: fateOf(document, answers[n]) }));
    const kept = fates.filter(({ fate }) => fate === 'kept').map(({ document }) => document);
    if (kept.length > 0) await patiently(signal, () => this.documents.put(kept));
    for (const { fate } of fates) progress[fate] += 1;
  }

  /**
   * A conversation that is in PostgreSQL's dump, and was gone when the messages had been dumped: somebody deleted it in between, and its texts may be gone too. It is deleted here as well.
   * Not if no message was kept so far: that is rather the dump of another system, which knows no conversation of this one.
   */
  private async endDeleted(
    { after, upTo, live }: LiveStretch,
    begunAt: Date,
    progress: RestoreProgress,
    signal: AbortSignal,
  ): Promise<void> {
    if (progress.kept === 0) return;
    const endSome = async (): Promise<number> => {
      const gone = await this.postgres.query<{ id: string }>(DELETED_SINCE, [after, upTo, live, begunAt]);
      for (const { id } of gone) {
        await this.postgres.query(END_CONVERSATION, [id]);
        progress.ended += 1;
      }
      return gone.length;
    };
    for (let ended = 1; ended > 0;) ended = await patiently(signal, endSome);
  }
}

function fateOf(
  { seq, message_id }: MessageDocument,
  ledger: LedgerAnswer | undefined,
): keyof Omit<RestoreProgress, 'ended'> {
  if (!ledger || ledger.last_seq === null) return 'unknown';
  if (seq > ledger.last_seq) return 'beyond';
  return ledger.message_id === message_id ? 'kept' : 'foreign';
}
