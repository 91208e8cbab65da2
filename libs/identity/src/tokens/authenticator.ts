import { Injectable } from '@nestjs/common';
import { Refusal, Unavailable, type SessionId } from '@edgechat/kernel';
import type { Caller } from '../domain/account.js';
import { Revocations } from './revocations.js';
import { TokenUses } from './token-uses.js';
import { Tokens } from './tokens.js';

/** Knows whom an access token speaks for. Only the first use of a session's generation needs a store, where it is marked. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly tokens: Tokens,
    private readonly revocations: Revocations,
    private readonly uses: TokenUses,
  ) {}

  /** The caller of a token that was read before, whose use is marked and whose session is known to go on: what nearly every request brings, without a wait. Null for any other: `authenticate` says what is with it. */
  known(token: string): Caller | null {
    const read = this.tokens.known(token);
    if (read === null || !this.uses.isMarked(read.caller.sessionId, read.generation)) return null;
    return this.revocations.isOpen(read.caller.sessionId) ? read.caller : null;
  }

  /**
   * The account and session of an access token.
   * @throws Refusal `unauthorized` when it is malformed, expired, of another type, or its session has ended (at most 5 s ago it may still pass on another replica)
   * @throws Unavailable `postgres` when nothing is known of the sessions that ended in the last 5 s, or the signing secret cannot be read
   */
  async authenticate(token: string): Promise<Caller> {
    const read = await this.tokens.readAccess(token);
    if (read === null)
      throw new Refusal('unauthorized', 'The access token is malformed or expired. Refresh it, or log in again.');
    const { caller, generation } = read;
    if (await this.revocations.has(caller.sessionId))
      throw new Refusal('unauthorized', 'This session has ended. Log in again.');
    await this.uses.mark(caller.sessionId, generation);
    return caller;
  }

  /**
   * The session of a refresh token that we signed, whether it still works or not, without a look into a store. Null for any other text, and while the signing secret cannot be read.
   */
  async sessionOf(refreshToken: string): Promise<SessionId | null> {
    try {
      return (await this.tokens.readRefresh(refreshToken))?.sessionId ?? null;
    } catch (error) {
      if (error instanceof Unavailable) return null;
      throw error;
    }
  }
}
