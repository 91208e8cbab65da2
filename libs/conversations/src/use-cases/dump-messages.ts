import { Injectable } from '@nestjs/common';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { AllDocuments, type Range } from '../persistence/all-documents.js';
import { headLine, isMessage, LOWEST_ID, messageLine, stretchLine, tailLine } from '../persistence/dump-format.js';
import type { MessageDocument } from '../persistence/message-documents.js';
import { patiently } from '../persistence/patiently.js';

/** Places read at once. */
const BATCH = 100;
const STRETCH = 1_000;

const NOW: Statement = { name: 'conversations.now', text: 'select clock_timestamp() as now' };
const LIVE_AFTER: Statement = {
  name: 'conversations.live_after',
  text: `select id, last_seq from edgechat.conversations where id > $1 and deleted_at is null order by id limit ${STRETCH}`,
};

interface Conversation {
  readonly id: string;
  readonly last_seq: number;
}

/** How far a dump has come. */
export interface DumpProgress {
  messages: number;
  /** Documents that are no messages of this system, and were left out. */
  foreign: number;
}

/**
 * Writes down the messages of all conversations. Made after a dump of PostgreSQL it has the text of every message that is in that dump and not in its outbox (docs/adr/0011-backup-order.md).
 * Last, it says which conversations live: a text that is missing because its conversation was deleted meanwhile is then known from one that was lost.
 */
@Injectable()
export class DumpMessages {
  constructor(
    private readonly postgres: Postgres,
    private readonly documents: AllDocuments,
  ) {}

  /**
   * Gives the lines of the dump, some at a time; holds one batch in memory, and reads the next only when it is asked for. `progress` is kept up to date.
   * @throws Unavailable when a store is away for longer than a minute; the dump is then cut, and says so to its reader
   */
  async *run(progress: DumpProgress, signal: AbortSignal): AsyncGenerator<string> {
    const [row] = await patiently(signal, () => this.postgres.query<{ now: Date }>(NOW));
    if (!row) throw new Error('PostgreSQL did not tell the time');
    yield headLine(row.now);
    yield* this.messages(progress, signal);
    yield* this.conversations(signal);
    yield tailLine(progress.messages);
  }

  /** What PostgreSQL's dump has is in conversations that live now, or were deleted since; and not above where they end now. */
  private async *messages(progress: DumpProgress, signal: AbortSignal): AsyncGenerator<string> {
    let ranges: Range[] = [];
    let places = 0;
    for await (const { live } of this.stretches(signal)) {
      for (const range of rangesOf(live)) {
        const more = range.highest - range.lowest + 1;
        if (places + more > BATCH) {
          yield* this.read(ranges, progress, signal);
          [ranges, places] = [[], 0];
        }
        ranges.push(range);
        places += more;
      }
    }
    yield* this.read(ranges, progress, signal);
  }

  private async *read(ranges: readonly Range[], progress: DumpProgress, signal: AbortSignal): AsyncGenerator<string> {
    if (ranges.length === 0) return;
    const found = await patiently(signal, () => this.documents.listRanges(ranges));
    const messages: MessageDocument[] = found.filter(isMessage);
    progress.messages += messages.length;
    progress.foreign += found.length - messages.length;
    if (messages.length > 0) yield messages.map(messageLine).join('');
  }

  private async *conversations(signal: AbortSignal): AsyncGenerator<string> {
    for await (const { after, upTo, live } of this.stretches(signal))
      yield stretchLine({ after, upTo, live: live.map(({ id }) => id) });
  }

  /** The conversations that live, 1,000 at a time. */
  private async *stretches(
    signal: AbortSignal,
  ): AsyncGenerator<{ after: string; upTo: string | null; live: readonly Conversation[] }> {
    let after: string | null = LOWEST_ID;
    while (after !== null) {
      const from: string = after;
      const live = await patiently(signal, () => this.postgres.query<Conversation>(LIVE_AFTER, [from]));
      after = live.length === STRETCH ? (live.at(-1)?.id ?? null) : null;
      yield { after: from, upTo: after, live };
    }
  }
}

/** The places of conversations, at most 100 to a range. One by one: a conversation may have millions. */
function* rangesOf(conversations: readonly Conversation[]): Generator<Range> {
  for (const { id, last_seq } of conversations) {
    for (let lowest = 1; lowest <= last_seq; lowest += BATCH)
      yield { conversation_id: id, lowest, highest: Math.min(lowest + BATCH - 1, last_seq) };
  }
}
