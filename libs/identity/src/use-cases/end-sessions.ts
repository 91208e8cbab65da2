import { Injectable } from '@nestjs/common';
import { Refusal, sessionId, type SessionId } from '@edgechat/kernel';
import type { Caller } from '../domain/account.js';
import { SecurityEvents } from '../events/security-events.js';
import { Sessions } from '../persistence/sessions.js';
import { Revocations } from '../tokens/revocations.js';

/** Ends sessions of the caller: their refresh tokens at once, their access tokens here at once and on other replicas within 5 s. */
@Injectable()
export class EndSessions {
  constructor(
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * Ends one session; the caller's own is a logout.
   * @throws Refusal `session_not_found` when the caller's account has no such session, or it is over
   * @throws Unavailable `postgres`
   */
  async endOne(caller: Caller, id: SessionId | null): Promise<void> {
    const isEnded = id !== null && (await this.sessions.endOf(caller.accountId, id));
    if (!isEnded) throw new Refusal('session_not_found', 'You have no such session, or it has ended.');
    this.note(caller, [id]);
  }

  /** Ends all sessions of the account but the caller's own. Safe to repeat. @throws Unavailable `postgres` */
  async endOthers(caller: Caller): Promise<void> {
    this.note(caller, await this.sessions.endOthers(caller.accountId, caller.sessionId));
  }

  private note({ accountId }: Caller, ended: readonly string[]): void {
    this.revocations.add(ended);
    for (const id of ended) this.events.record({ kind: 'session.ended', accountId, sessionId: sessionId(id) });
  }
}
