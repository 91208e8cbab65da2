import { Injectable } from '@nestjs/common';
import { ReadMessages, type Message } from '@edgechat/conversations';
import { SearchPostgres } from '@edgechat/database';
import { FairSlots, Refusal, Slices, type AccountId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import type { Statement } from '@edgechat/platform/postgres';
import { EVERYTHING, type Phase } from '../domain/query.js';
import { matchText } from '../domain/snippet.js';
import { findByScore, findByWords, type WordSearch } from './find-by-words.js';
import { listNewest } from './list-newest.js';
import type { Candidate, Candidates, Hit, Search, SearchPosition } from './search.js';

const IS_MEMBER: Statement = {
  name: 'search.is_member',
  text: 'select 1 as found from edgechat.members m join edgechat.conversations c on c.id = m.conversation_id and c.deleted_at is null where m.conversation_id = $1 and m.account_id = $2',
};

const WAITING_MAX = 200;
const WAITING_MAX_PER_ACCOUNT = 20;
/** Half of the turns are for accounts that had few of late: less than one who has a search of 300 ms every 3 s. */
const RESERVED_SHARE = 1 / 2;
const LIGHT_SHARE = 1 / 40;
/** Least score of a hit with the whole last word, where it is ranked together with those that only begin with it. */
const WHOLE_MIN_SCORE = 1 / 2;

/** Finds messages by their words, among those of the reader's conversations. */
@Injectable()
export class SearchMessages {
  private readonly turns: FairSlots<AccountId>;
  /** A page reads texts of so many bytes at most, and so never more than as many characters; then it ends, wherever the matches stand. */
  private readonly readMaxBytes: number;

  constructor(
    private readonly postgres: SearchPostgres,
    private readonly messages: ReadMessages,
    config: Config,
  ) {
    const atOnce = config.searchesAtOnce;
    this.readMaxBytes = config.searchReadKb * 1_000;
    this.turns = new FairSlots({
      capacity: atOnce,
      perKey: config.searchesAtOncePerAccount,
      ...(Number.isFinite(atOnce)
        ? { reserved: Math.floor(atOnce * RESERVED_SHARE), reservedForUseUpTo: atOnce * LIGHT_SHARE }
        : {}),
      waitingMax: WAITING_MAX,
      waitingMaxPerKey: WAITING_MAX_PER_ACCOUNT,
      waitMs: config.searchWaitMs,
      refuse: () =>
        new Refusal('too_many_searches', 'Other searches are still under way. Wait for them, then search again.', {
          retryAfterS: 1,
        }),
    });
  }

  /**
   * A page of hits. What is not the reader's to see any more, or does not have the words, is left out of it, so that it may be shorter than `limit` though more follow; so it is, too, once it has
   * read `SEARCH_READ_KB` of texts. Of one account `SEARCHES_AT_ONCE_PER_ACCOUNT` run at once, of a process `SEARCHES_AT_ONCE`; a further one waits up to `SEARCH_WAIT_MS`.
   * @throws Refusal `conversation_not_found` when the search is in a conversation that is not the reader's; `too_many_searches`
   * @throws Unavailable `postgres`, `mongo`
   */
  listHits(search: Search): Promise<{ readonly hits: readonly Hit[]; readonly next: SearchPosition | null }> {
    return this.turns.run(search.reader, 1, () => this.listNow(search));
  }

  private async listNow(
    search: Search,
  ): Promise<{ readonly hits: readonly Hit[]; readonly next: SearchPosition | null }> {
    const { found, next } = await this.findCandidates(search);
    if (found.length === 0) {
      await this.refuseForeign(search);
      return { hits: [], next };
    }
    const { messages, covered } = await this.messages.placesWithin(search.reader, found, this.readMaxBytes);
    const read = found.slice(0, covered);
    return {
      hits: await hitsOf(search, read, messages),
      next: covered < found.length ? (read.at(-1)?.position ?? next) : next,
    };
  }

  /** A page of what the stores say are hits, over as many phases as it takes. */
  private async findCandidates(search: Search): Promise<Candidates> {
    const { query, limit } = search;
    if (query === null) return listNewest(this.postgres, search, limit);
    const byWords: WordSearch = { ...search, query };
    if (search.sort === 'newest') return findByWords(this.postgres, byWords, 'either', limit);
    if (!query.hasBeginning) return findByWords(this.postgres, byWords, 'whole', limit);

    // Where all hits can be ranked together, that is all.
    const isTogether = search.after === null || search.after.phase === 'either';
    return isTogether ? this.findTogether(byWords) : this.findInPhases(byWords);
  }

  /** The newest hits of both phases, ranked together. Where there are more than that, only those of them that have the whole word; then what has it over everything, and then the rest. */
  private async findTogether(search: WordSearch): Promise<Candidates> {
    const { found, next, full } = await findByScore(this.postgres, search, 'either', search.limit);
    if (full === null) return { found, next };
    const whole = found.filter(({ score }) => score >= WHOLE_MIN_SCORE);
    if (whole.length === search.limit) return { found: whole, next: whole.at(-1)?.position ?? null };
    if (search.after === null) {
      const all = await findByWords(this.postgres, search, 'whole', search.limit);
      if (all.next !== null) return all;
      // These are all that have the whole word. Those that only begin with it are ranked already.
      const rest = found.slice(whole.length, whole.length + search.limit - all.found.length).map(onlyBeginning);
      const shown = [...all.found, ...rest];
      return { found: shown, next: shown.at(-1)?.position ?? null };
    }

    const after = { ...full, order: 'time', phase: 'whole' } as const;
    const rest = await this.findInPhases({ ...search, after, limit: search.limit - whole.length });
    return { found: [...whole, ...rest.found], next: rest.next };
  }

  private async findInPhases(search: WordSearch): Promise<Candidates> {
    const isWhole = search.after?.phase !== 'beginning';
    const whole: Candidates = isWhole
      ? await findByWords(this.postgres, search, 'whole', search.limit)
      : { found: [], next: null };
    if (whole.next !== null) return whole;
    const room = search.limit - whole.found.length;
    const beginning = { ...search, after: isWhole ? null : search.after };
    const rest = await findByWords(this.postgres, beginning, 'beginning', Math.max(1, room));
    if (room > 0) return { found: [...whole.found, ...rest.found], next: rest.next };
    return { found: whole.found, next: rest.found.length > 0 ? (whole.found.at(-1)?.position ?? null) : null };
  }

  private async refuseForeign({ reader, conversationId }: Search): Promise<void> {
    if (conversationId === null) return;
    const [member] = await this.postgres.query(IS_MEMBER, [conversationId, reader]);
    if (!member) throw new Refusal('conversation_not_found', 'Conversation not found');
  }
}

/** A candidate that was ranked with both phases together and only begins with the word, as its own phase has it: there it scores twice as much. */
function onlyBeginning(candidate: Candidate): Candidate {
  const score = candidate.score * 2;
  const { position } = candidate;
  return {
    ...candidate,
    score,
    position: { ...position, phase: 'beginning', ...(position.order === 'score' ? { score } : {}) },
  };
}

/** Of the candidates those whose text has what is looked for. */
async function hitsOf(search: Search, candidates: readonly Candidate[], messages: readonly Message[]): Promise<Hit[]> {
  const { query, sort } = search;
  const byKey = new Map(candidates.map((candidate) => [keyOf(candidate), candidate]));
  const slices = new Slices('search');
  const hits: Hit[] = [];
  for (const message of messages) {
    const candidate = byKey.get(keyOf(message));
    if (!candidate) continue;
    const { phase } = candidate.position;
    const snippet = await matchText(message.content, query ?? EVERYTHING, phase, slices);
    const isRanked = sort === 'relevance' && query?.hasBeginning === true;
    if (snippet) hits.push({ message, snippet, score: isRanked ? scoreIn(phase, candidate.score) : candidate.score });
  }
  slices.end();
  return hits;
}

/** What has the whole word is above all that only begins with it. (Where both come in one phase, PostgreSQL saw to it.) */
function scoreIn(phase: Phase, score: number): number {
  if (phase === 'either') return score;
  return phase === 'whole' ? WHOLE_MIN_SCORE + score / 2 : score / 2;
}

const keyOf = ({ conversationId, seq }: { readonly conversationId: string; readonly seq: number }): string =>
  `${conversationId}:${seq}`;
