import { Injectable } from '@nestjs/common';
import { atMost, setNewest, Unavailable, type SessionId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Sessions } from '../persistence/sessions.js';

/** Sessions whose use is remembered. One that was forgotten is marked again, which changes nothing and costs one round trip. */
const REMEMBERED_MAX = 50_000;
/** A request waits so long for its mark; a mark that is late goes on by itself. */
const WAIT_MS = 500;

/**
 * Marks in PostgreSQL, once, that an access token of a session's generation was used: from then on its refresh cannot be repeated late (see `judgeUsedToken`).
 * A mark that fails stops no request: the next request with the token tries again.
 */
@Injectable()
export class TokenUses {
  /** Session → the newest generation whose use is marked. The use of an older one changes nothing any more. */
  private readonly marked = new Map<SessionId, number>();
  /** Marks under way, so that requests at once share one: as many as there are requests, and none longer than a call of PostgreSQL. */
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(
    private readonly sessions: Sessions,
    private readonly log: Log,
  ) {}

  /** True when nothing is left to be marked. Null stands for a token of the release before, which does not say its generation. */
  isMarked(session: SessionId, generation: number | null): boolean {
    return generation === null || (this.marked.get(session) ?? 0) >= generation;
  }

  /** Marks a use unless that is done already. Resolves after 500 ms at the latest, and never fails. */
  async mark(session: SessionId, generation: number | null): Promise<void> {
    if (generation === null || this.isMarked(session, generation)) return;

    const key = `${session} ${generation}`;
    const marking = this.underWay.get(key) ?? this.begin(session, generation).finally(() => this.underWay.delete(key));
    this.underWay.set(key, marking);
    await atMost(WAIT_MS, marking);
  }

  private async begin(session: SessionId, generation: number): Promise<void> {
    try {
      await this.sessions.markUsed(session, generation);
      this.remember(session, generation);
    } catch (error) {
      // (An outage is told by those that depend on the store.)
      if (!(error instanceof Unavailable))
        this.log.error('the first use of an access token could not be marked', { error });
    }
  }

  /** The oldest is forgotten for a new one. */
  private remember(session: SessionId, generation: number): void {
    const known = this.marked.get(session) ?? 0;
    setNewest(this.marked, session, Math.max(known, generation), REMEMBERED_MAX);
  }
}
