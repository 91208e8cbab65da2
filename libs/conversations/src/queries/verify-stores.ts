import { Injectable } from '@nestjs/common';
import { pause } from '@edgechat/kernel';
import { Postgres } from '@edgechat/platform/postgres';
import type { Place } from '../persistence/message-documents.js';
import { patiently } from '../persistence/patiently.js';
import { Findings, type Finding, type Key, type ProblemKind, type Suspect } from './problems.js';
import { ROW_LOOKS, type RowLook } from './row-looks.js';
import { PLACES, VerifyPlaces, type Step } from './verify-places.js';
import { WalkConversations, type Extent } from './walk-conversations.js';

/** How far a verification has come. */
export interface VerifyProgress {
  /** What is gone through now. */
  stage: string;
  /** Rows gone through, of about so many. */
  done: number;
  total: number;
  /** Places that looked wrong, and are looked at again. */
  suspects: number;
}

/** What was looked at, and what is wrong. */
export interface Verdict extends Omit<Extent, 'members'> {
  readonly documents: number;
  readonly findings: readonly Finding[];
}

/** What is only on its way looks right after a while. A debt that was put off while a store was away is due after at most 10 s. */
const LOOKED_AGAIN_AFTER_MS: readonly number[] = [250, 1_000, 2_000, 4_000, 8_000];
const SUSPECTS_MAX = 50_000;
const AGAIN_AT_ONCE = 500;

interface LookedRow {
  readonly key: readonly string[];
  readonly problems: readonly ProblemKind[];
}

/**
 * Goes through everything that both stores keep of conversations, and tells what cannot be. The system may run meanwhile: each look is one statement, so at one moment; what two stores say at two moments,
 * and whatever else looks wrong, is looked at again several times, and only what stays is told. Nothing is changed.
 */
@Injectable()
export class VerifyStores {
  constructor(
    private readonly postgres: Postgres,
    private readonly places: VerifyPlaces,
    private readonly conversations: WalkConversations,
  ) {}

  /**
   * Reads every row and every document's place once, in pages by key, and holds at most 50,000 suspects in memory. `progress` is kept up to date.
   * @param lookedAgainAfterMs the pauses before each further look at what looked wrong
   * @throws Unavailable when a store is away for longer than a minute
   */
  async run(
    progress: VerifyProgress,
    signal: AbortSignal,
    lookedAgainAfterMs = LOOKED_AGAIN_AFTER_MS,
  ): Promise<Verdict> {
    const extent = await this.conversations.measure(null, signal);
    progress.total = extent.conversations + 2 * extent.members + 2 * extent.messages;
    const counts: Record<string, number> = { documents: 0 };
    const findings = new Findings();
    let suspects: Suspect[] = [];
    for await (const { stage, step } of this.walk(signal)) {
      progress.stage = stage;
      progress.done += step.rows;
      counts[stage] = (counts[stage] ?? 0) + step.rows;
      counts['documents'] = (counts['documents'] ?? 0) + step.documents;
      suspects.push(...step.suspects, ...(await this.cleared(step.unclear, signal)));
      progress.suspects = suspects.length;
      if (suspects.length > SUSPECTS_MAX)
        suspects = await this.settle(suspects, findings, lookedAgainAfterMs, progress, signal);
    }
    await this.settle(suspects, findings, lookedAgainAfterMs, progress, signal);
    return {
      conversations: extent.conversations,
      messages: counts[PLACES] ?? 0,
      documents: counts['documents'] ?? 0,
      findings: findings.list(),
    };
  }

  private async *walk(signal: AbortSignal): AsyncGenerator<{ stage: string; step: Step }> {
    for (const look of ROW_LOOKS) {
      for await (const step of this.walkRows(look, signal)) yield { stage: look.name, step };
    }
    for await (const step of this.places.walk(signal)) yield { stage: PLACES, step };
  }

  private async *walkRows(look: RowLook, signal: AbortSignal): AsyncGenerator<Step> {
    for (let after: readonly string[] | undefined = look.key.map(([, type]) => LOWEST[type]); after !== undefined;) {
      const from: readonly string[] = after;
      const rows = await patiently(signal, () => this.postgres.query<LookedRow>(look.page, from));
      yield { rows: rows.length, documents: 0, suspects: rows.flatMap((row) => suspectOf(look, row)), unclear: [] };
      after = rows.length === look.pageRows ? rows.at(-1)?.key : undefined;
    }
  }

  /** What a look at places shows of which only the documents were seen. */
  private async cleared(places: readonly Place[], signal: AbortSignal): Promise<readonly Suspect[]> {
    const suspects: Suspect[] = [];
    for (let n = 0; n < places.length; n += AGAIN_AT_ONCE)
      suspects.push(...(await this.places.again(places.slice(n, n + AGAIN_AT_ONCE), signal)));
    return suspects;
  }

  /** Looks again at what looks wrong until all of it looks right, or all looks were had: what is wrong then is found. Returns no suspects. */
  private async settle(
    suspects: readonly Suspect[],
    findings: Findings,
    afterMs: readonly number[],
    progress: VerifyProgress,
    signal: AbortSignal,
  ): Promise<Suspect[]> {
    let left = suspects.filter(({ seenBy }) => seenBy !== '');
    for (const pauseMs of afterMs) {
      progress.suspects = left.length;
      if (left.length === 0) break;
      await pause(pauseMs, signal);
      left = await this.lookAgain(left, signal);
    }
    for (const found of [...suspects.filter(({ seenBy }) => seenBy === ''), ...left]) findings.add(found);
    progress.suspects = 0;
    return [];
  }

  /** Those that are still wrong in the same way. */
  private async lookAgain(suspects: readonly Suspect[], signal: AbortSignal): Promise<Suspect[]> {
    const still: Suspect[] = [];
    for (const seenBy of new Set(suspects.map((suspect) => suspect.seenBy))) {
      const own = suspects.filter((suspect) => suspect.seenBy === seenBy);
      for (let n = 0; n < own.length; n += AGAIN_AT_ONCE) {
        const some = own.slice(n, n + AGAIN_AT_ONCE);
        const seen = new Map((await this.again(seenBy, some, signal)).map(({ key, kinds }) => [nameOf(key), kinds]));
        for (const { key, kinds } of some) {
          const stayed = kinds.filter((kind) => seen.get(nameOf(key))?.includes(kind));
          if (stayed.length > 0) still.push({ seenBy, key, kinds: stayed });
        }
      }
    }
    return still;
  }

  private async again(seenBy: string, suspects: readonly Suspect[], signal: AbortSignal): Promise<readonly Suspect[]> {
    if (seenBy === PLACES)
      return this.places.again(
        suspects.map(({ key }) => placeOf(key)),
        signal,
      );
    const look = ROW_LOOKS.find(({ name }) => name === seenBy);
    if (!look) throw new Error(`nobody looks at ${seenBy}`);
    const columns = look.key.map(([column]) => suspects.map(({ key }) => key[column]));
    return (await patiently(signal, () => this.postgres.query<LookedRow>(look.again, columns))).flatMap((row) =>
      suspectOf(look, row),
    );
  }
}

/** Below every key. */
const LOWEST = { uuid: '00000000-0000-0000-0000-000000000000', bigint: '-1', text: '' } as const;

function suspectOf(look: RowLook, row: LookedRow): Suspect[] {
  if (row.problems.length === 0) return [];
  const key = Object.fromEntries(look.key.map(([column], n) => [column, row.key[n] ?? '']));
  return [{ seenBy: look.name, key, kinds: row.problems }];
}

const nameOf = (key: Key): string => Object.values(key).join(' ');
const placeOf = ({ conversation_id = '', seq }: Key): Place => ({ conversation_id, seq: Number(seq) });
