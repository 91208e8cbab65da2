import { Injectable } from '@nestjs/common';
import type { AccountId } from '@edgechat/kernel';
import type { OpenSession } from '../domain/account.js';
import { Sessions } from '../persistence/sessions.js';

/** Reads an account's sessions. */
@Injectable()
export class ListSessions {
  constructor(private readonly sessions: Sessions) {}

  /** The open sessions of an account, at most 50, the one used last first. @throws Unavailable `postgres` */
  listOpen(account: AccountId): Promise<readonly OpenSession[]> {
    return this.sessions.listOpen(account);
  }
}
