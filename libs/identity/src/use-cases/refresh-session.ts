import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId, type SessionId } from '@edgechat/kernel';
import type { TokenPair } from '../domain/account.js';
import { hashRefreshToken, type RefreshToken } from '../domain/refresh-token.js';
import { judgeUsedToken } from '../domain/rotation.js';
import { SecurityEvents } from '../events/security-events.js';
import { GuardedPasswords } from '../passwords/guarded-passwords.js';
import { Sessions, type RotatedSession } from '../persistence/sessions.js';
import { Revocations } from '../tokens/revocations.js';
import { Tokens } from '../tokens/tokens.js';

/** A refresh token of ours, and what is stored of it. */
type UsedToken = RefreshToken & { readonly hash: Buffer };

/** Exchanges a refresh token for new tokens of the same session. */
@Injectable()
export class RefreshSession {
  constructor(
    private readonly tokens: Tokens,
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
    private readonly events: SecurityEvents,
    private readonly passwords: GuardedPasswords,
  ) {}

  /**
   * New tokens. Each refresh token works once, and the session lives on from its use; one whose answer was lost, and one of two refreshes at once, gets the same successor again (see `judgeUsedToken`).
   * @param addressKey where the caller is, for the security events
   * @throws Refusal `bad_refresh_token`. A token used before ends the session; one that we did not sign changes nothing
   * @throws Unavailable `postgres`
   */
  async execute(refreshToken: string, addressKey: string | null = null): Promise<TokenPair> {
    const token = await this.tokens.readRefresh(refreshToken);
    if (token === null) throw refused();

    const used = { ...token, hash: hashRefreshToken(refreshToken) };
    const generation = token.generation + 1;
    const successors = await this.tokens.refreshByEach({ sessionId: token.sessionId, generation });
    const session =
      (await this.sessions.rotate(used, successors[0].hash, await this.hashOf(addressKey))) ??
      (await this.repeated(used, addressKey));
    // (A repeat gets what was stored: the secret may have been replaced in between.)
    const successor = successors.find(({ hash }) => hash.equals(session.tokenHash));
    if (successor === undefined) throw refused();

    const { expiresAt } = session;
    const accessToken = await this.tokens.access(session, { id: token.sessionId, generation, expiresAt });
    return { accessToken, refreshToken: successor.text };
  }

  private async hashOf(addressKey: string | null): Promise<Buffer | null> {
    return addressKey === null ? null : (await this.passwords.hashesOfAddress(addressKey))[0];
  }

  /** The session whose last refresh may be repeated with this token. */
  private async repeated(used: UsedToken, addressKey: string | null): Promise<RotatedSession> {
    const session = await this.sessions.find(used.sessionId);
    if (session === null) throw refused();

    const verdict = judgeUsedToken(session, used);
    if (verdict === 'repeat') return session;
    if (verdict === 'reuse') await this.endReused(used.sessionId, session.accountId, addressKey);
    throw refused();
  }

  /** Ends a session of whose tokens somebody has a copy. The one place where that is found. */
  private async endReused(sessionId: SessionId, accountId: AccountId, addressKey: string | null): Promise<void> {
    await this.sessions.revoke(sessionId);
    this.revocations.add([sessionId]);
    this.events.record({ kind: 'session.reused', accountId, sessionId, addressKey });
  }
}

// The first contract's very words.
const refused = (): Refusal => new Refusal('bad_refresh_token', 'Invalid or expired refresh token');
