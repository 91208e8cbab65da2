import { Injectable } from '@nestjs/common';
import type { Email } from '../domain/email.js';
import { Accounts } from '../persistence/accounts.js';
import { SecurityEventRows, type SecurityEventRow } from './security-event-rows.js';

const PAGE = 500;

/** Reads the security events for the operator. */
@Injectable()
export class ListSecurityEvents {
  constructor(
    private readonly rows: SecurityEventRows,
    private readonly accounts: Accounts,
  ) {}

  /** True when there is an account of this address. @throws Unavailable `postgres` */
  async isKnown(email: Email): Promise<boolean> {
    return (await this.accounts.findByEmail(email)) !== null;
  }

  /**
   * Events of the last `days` (1 to 180), newest first, in pages of 500; of one account (none if there is no such account), or of everybody. A row whose count grows meanwhile may come twice.
   * @throws Unavailable `postgres`
   */
  async *pages(of: {
    readonly email: Email | null;
    readonly days: number;
  }): AsyncGenerator<readonly SecurityEventRow[]> {
    const account = of.email === null ? null : await this.accounts.findByEmail(of.email);
    if (of.email !== null && account === null) return;

    let page: readonly SecurityEventRow[] = [];
    do {
      page = await this.rows.list({ account: account?.id ?? null, days: of.days }, page.at(-1) ?? null, PAGE);
      if (page.length > 0) yield page;
    } while (page.length === PAGE);
  }
}
