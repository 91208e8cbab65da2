import { Injectable } from '@nestjs/common';
import { newSessionId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import type { RegisteredAccount, TokenPair } from '../domain/account.js';
import type { NewSession } from '../persistence/sessions.js';
import { Tokens } from './tokens.js';

/** Prepares sessions: the row to be written, and the tokens to hand out once it is. */
@Injectable()
export class NewSessions {
  constructor(
    private readonly tokens: Tokens,
    private readonly config: Config,
  ) {}

  /** A session of generation 1 that is not stored yet. @throws Unavailable `postgres` while the signing secret cannot be read */
  async prepare(
    addressHash: Buffer,
  ): Promise<{ session: NewSession; tokensFor: (account: RegisteredAccount) => Promise<TokenPair> }> {
    const id = newSessionId();
    const refresh = await this.tokens.refresh({ sessionId: id, generation: 1 });
    return {
      session: { id, generation: 1, tokenHash: refresh.hash, lifeDays: this.config.jwtRefreshExpireDays, addressHash },
      tokensFor: async (account) => ({
        accessToken: await this.tokens.access(account, id),
        refreshToken: refresh.text,
      }),
    };
  }
}
