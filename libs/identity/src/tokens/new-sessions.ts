import { Injectable } from '@nestjs/common';
import { newSessionId, type SessionId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import type { RegisteredAccount, TokenPair } from '../domain/account.js';
import { Sessions, type NewSession } from '../persistence/sessions.js';
import { Revocations } from './revocations.js';
import { Tokens } from './tokens.js';

/** A session that has begun, and what its client is given. */
export interface BegunSession {
  readonly sessionId: SessionId;
  readonly tokens: TokenPair;
  /** Sessions that ended to make room for it. */
  readonly ended: readonly string[];
}

/** Begins sessions: the row to be written, and the tokens to hand out once it is. */
@Injectable()
export class NewSessions {
  constructor(
    private readonly tokens: Tokens,
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
    private readonly config: Config,
  ) {}

  /** A session of generation 1 that is not stored yet. @throws Unavailable `postgres` while the signing secret cannot be read */
  async prepare(
    addressHash: Buffer,
  ): Promise<{ session: NewSession; tokensFor: (account: RegisteredAccount) => Promise<TokenPair> }> {
    const [id, generation] = [newSessionId(), 1];
    const refresh = await this.tokens.refresh({ sessionId: id, generation });
    const lifeDays = Math.min(this.config.jwtRefreshExpireDays, this.config.sessionMaxDays);
    const expiresAt = new Date(Date.now() + lifeDays * 86_400_000);
    return {
      session: { id, generation, tokenHash: refresh.hash, lifeDays, addressHash },
      tokensFor: async (account) => ({
        accessToken: await this.tokens.access(account, { id, generation, expiresAt }),
        refreshToken: refresh.text,
      }),
    };
  }

  /**
   * Begins a session of an account whose password was verified against `verifiedHash`, and ends the one used least recently if there are 50 already.
   * Null when the account is gone or locked, or its hash was replaced, meanwhile. @throws Unavailable `postgres`
   */
  async open(account: RegisteredAccount, verifiedHash: string, addressHash: Buffer): Promise<BegunSession | null> {
    const { session, tokensFor } = await this.prepare(addressHash);
    const ended = await this.sessions.open(account.accountId, verifiedHash, session);
    if (ended === null) return null;

    this.revocations.add(ended);
    return { sessionId: session.id, tokens: await tokensFor(account), ended };
  }
}
