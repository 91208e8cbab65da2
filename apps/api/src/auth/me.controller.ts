import { Controller, Get, Patch } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccountQueries, UpdateProfile, type Caller } from '@edgechat/identity';
import { Answers } from '../docs/describe.js';
import { CurrentCaller } from '../http/access.js';
import { RequestBody } from '../http/validation.js';
import { ProfileRequest } from './auth.requests.js';
import { ACCOUNT_EXAMPLE, accountResponse, AccountResponse } from './auth.responses.js';

/** The caller's own account. */
@ApiTags('auth')
@Controller('auth/me')
export class MeController {
  constructor(
    private readonly accounts: AccountQueries,
    private readonly updateProfile: UpdateProfile,
  ) {}

  @ApiOperation({ summary: "The caller's account" })
  @Get()
  @Answers(200, AccountResponse, { example: ACCOUNT_EXAMPLE, description: 'The account of the access token.' })
  async me(@CurrentCaller() caller: Caller): Promise<AccountResponse> {
    return accountResponse(await this.accounts.getMe(caller.accountId));
  }

  /** Sets the name that others see. */
  @ApiOperation({ summary: 'Sets the name that others see' })
  @Patch()
  @Answers(200, AccountResponse, {
    example: { ...ACCOUNT_EXAMPLE, display_name: 'Ada' },
    description: 'The account as it is now.',
  })
  async update(@CurrentCaller() caller: Caller, @RequestBody() body: ProfileRequest): Promise<AccountResponse> {
    return accountResponse(await this.updateProfile.execute(caller.accountId, { displayName: body.display_name }));
  }
}
