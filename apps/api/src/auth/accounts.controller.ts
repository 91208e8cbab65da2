import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccountQueries, type Caller } from '@edgechat/identity';
import { Answers, Refuses } from '../docs/describe.js';
import { CurrentCaller } from '../http/access.js';
import { LookupLimit } from '../http/rate-limit.js';
import { RequestQuery } from '../http/validation.js';
import { AccountsQuery, emailOf } from './auth.requests.js';
import { AccountsResponse, FOUND_EXAMPLE, foundAccountResponse } from './auth.responses.js';

/** How people find each other. */
@ApiTags('accounts')
@Controller('accounts')
export class AccountsController {
  constructor(
    private readonly accounts: AccountQueries,
    private readonly limit: LookupLimit,
  ) {}

  /** The account of an e-mail address, which has to be known whole. At most 30 look-ups per minute and account. */
  @ApiOperation({ summary: 'Finds an account by its exact e-mail address' })
  @Get()
  @Answers(200, AccountsResponse, {
    example: { accounts: [FOUND_EXAMPLE] },
    description: 'The account of this address, or none.',
  })
  @Refuses('too_many_lookups')
  async find(@CurrentCaller() { accountId }: Caller, @RequestQuery() query: AccountsQuery): Promise<AccountsResponse> {
    await this.limit.count(accountId);
    const account = await this.accounts.findByEmail(emailOf(query));
    return { accounts: account === null ? [] : [foundAccountResponse(account)] };
  }
}
