import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import type { TokenPair } from '../domain/account.js';
import type { RefreshToken } from '../domain/refresh-token.js';
import { judgeUsedToken } from '../domain/rotation.js';
import { SecurityEvents } from '../events/security-events.js';
import { Sessions } from '../persistence/sessions.js';
import { Revocations } from '../tokens/revocations.js';
import { Tokens } from '../tokens/tokens.js';

/** Exchanges a refresh token for new tokens of the same session. */
@Injectable()
export class RefreshSession {
  constructor(
    private readonly tokens: Tokens,
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
    private readonly config: Config,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * New tokens. Each refresh token works once, and the session lives on from its use; one whose answer was lost, and one of two refreshes at once, gets the same successor again (see `judgeUsedToken`).
   * @param addressKey where the caller is, for the security events
   * @throws Refusal `bad_refresh_token`. A token used before ends the session; one that we did not sign changes nothing
   * @throws Unavailable `postgres`
   */
  async execute(refreshToken: string, addressKey: string | null = null): Promise<TokenPair> {
    const known = await this.tokens.successor(refreshToken);
    if (known === null) throw refused();

    const { token, hash, successor } = known;
    const rotated = await this.sessions.rotate(
      token.sessionId,
      { generation: token.generation, hash },
      successor.hash,
      this.config.jwtRefreshExpireDays,
    );
    const account = rotated ?? (await this.repeated(token, hash, addressKey));
    return { accessToken: await this.tokens.access(account, token.sessionId), refreshToken: successor.text };
  }

  /** The account of a session whose last refresh may be repeated with this token. */
  private async repeated(token: RefreshToken, hash: Buffer, addressKey: string | null): Promise<AccountId> {
    const session = await this.sessions.look(token.sessionId);
    if (session === null) throw refused();

    const verdict = judgeUsedToken(session, { generation: token.generation, hash });
    if (verdict === 'repeat') return session.accountId;
    if (verdict === 'reuse') {
      await this.sessions.revoke(token.sessionId);
      this.revocations.add([token.sessionId]);
      const { accountId } = session;
      this.events.record({ kind: 'session.reused', accountId, sessionId: token.sessionId, addressKey });
    }
    throw refused();
  }
}

// The first contract's very words.
const refused = (): Refusal => new Refusal('bad_refresh_token', 'Invalid or expired refresh token');
