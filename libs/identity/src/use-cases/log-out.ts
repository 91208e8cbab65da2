import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../events/security-events.js';
import { Sessions } from '../persistence/sessions.js';
import { Revocations } from '../tokens/revocations.js';
import { Tokens } from '../tokens/tokens.js';

/** Ends the session of a refresh token. */
@Injectable()
export class LogOut {
  constructor(
    private readonly tokens: Tokens,
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * Ends the session, whichever of its refresh tokens is given: its refresh tokens at once, its access tokens here at once and on other replicas within 5 s.
   * A token that we did not sign, or of a session that is over, changes nothing. Safe to repeat. `addressKey` is where the caller is, for the security events. @throws Unavailable `postgres`
   */
  async execute(refreshToken: string, addressKey: string | null = null): Promise<void> {
    const token = await this.tokens.readRefresh(refreshToken);
    if (token === null) return;

    const accountId = await this.sessions.revoke(token.sessionId);
    if (accountId === null) return;
    this.revocations.add([token.sessionId]);
    this.events.record({ kind: 'session.ended', accountId, sessionId: token.sessionId, addressKey });
  }
}
