import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ChangePassword, LogIn, LogOut, RefreshSession, RegisterAccount, type Caller } from '@edgechat/identity';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Answers, AnswersNothing, Refuses } from '../docs/describe.js';
import { CountedOnRefreshToken, CurrentCaller, Public } from '../http/access.js';
import { clientAddress } from '../http/client-address.js';
import { prefersRepresentation } from '../http/prefer.js';
import { RequestBody } from '../http/validation.js';
import { emailOf, LoginRequest, PasswordRequest, RefreshTokenRequest, RegisterRequest } from './auth.requests.js';
import { TOKENS_EXAMPLE, tokensResponse, TokensResponse } from './auth.responses.js';

const RETURN_TOKENS = {
  name: 'Prefer',
  required: false,
  description: '`return=representation` (RFC 7240): end this session too and answer with the tokens of a new one.',
  schema: { type: 'string', example: 'return=representation' },
} as const;

/** How a session begins, goes on and ends. */
@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly registerAccount: RegisterAccount,
    private readonly logIn: LogIn,
    private readonly refreshSession: RefreshSession,
    private readonly logOut: LogOut,
    private readonly changePassword: ChangePassword,
  ) {}

  /** Makes an account and logs it in, where REGISTRATION lets people do so. At most REGISTRATIONS_PER_HOUR and REGISTRATIONS_PER_DAY for an address. */
  @ApiOperation({ summary: 'Makes an account and logs it in' })
  @Post('register')
  @Public()
  @Answers(201, TokensResponse, {
    example: TOKENS_EXAMPLE,
    description: 'The account is there, and this is its first session.',
  })
  @Refuses(
    'registration_closed',
    'invite_required',
    'invite_invalid',
    'email_taken',
    'password_too_common',
    'too_many_registrations',
  )
  async register(@RequestBody() body: RegisterRequest, @Req() request: FastifyRequest): Promise<TokensResponse> {
    const tokens = await this.registerAccount.execute({
      email: emailOf(body),
      password: body.password,
      addressKey: clientAddress(request).key,
      inviteCode: body.invite_code ?? undefined,
    });
    return tokensResponse(tokens);
  }

  /**
   * Begins a session. After a failed login the next one for this account from this address has to wait 1, 2, 4 … 60 s; a right one or a quiet quarter of an hour ends that.
   * From addresses where the account did not log in during the last 30 days there are 100 failed logins per account and day (UTC), and 50 per address in 15 minutes.
   */
  @ApiOperation({ summary: 'Begins a session' })
  @Post('login')
  @Public()
  @Answers(200, TokensResponse, { example: TOKENS_EXAMPLE, description: 'The tokens of a new session.' })
  @Refuses('bad_credentials', 'account_locked', 'too_many_logins')
  async login(@RequestBody() body: LoginRequest, @Req() request: FastifyRequest): Promise<TokensResponse> {
    const addressKey = clientAddress(request).key;
    return tokensResponse(await this.logIn.execute({ email: emailOf(body), password: body.password, addressKey }));
  }

  /** Exchanges a refresh token for new tokens. It works once; a repeat gives the same successor again, as long as that is unused: within 10 s, or within an hour while the access token that came with it is unused too. Any other reuse ends the session. */
  @ApiOperation({ summary: 'Exchanges a refresh token for new tokens' })
  @Post('refresh')
  @Public()
  @CountedOnRefreshToken()
  @Answers(200, TokensResponse, { example: TOKENS_EXAMPLE, description: 'The next tokens of the session.' })
  @Refuses('bad_refresh_token')
  async refresh(@RequestBody() body: RefreshTokenRequest, @Req() request: FastifyRequest): Promise<TokensResponse> {
    return tokensResponse(await this.refreshSession.execute(body.refresh_token, clientAddress(request).key));
  }

  /** Ends the session of a refresh token; 204 also when it is unknown. Access tokens end within 5 s. */
  @ApiOperation({ summary: 'Ends the session of a refresh token' })
  @Post('logout')
  @Public()
  @CountedOnRefreshToken()
  @AnswersNothing(204, 'The session is over.')
  async logout(@RequestBody() body: RefreshTokenRequest, @Req() request: FastifyRequest): Promise<void> {
    await this.logOut.execute(body.refresh_token, clientAddress(request).key);
  }

  /** Sets another password; all other sessions of the account end. With `Prefer: return=representation` this one ends too, and the answer has the tokens of a new one. After a wrong old password the next try has to wait 1, 2, 4 … 60 s. */
  @ApiOperation({ summary: 'Sets another password and ends all other sessions' })
  @Post('password')
  @ApiHeader(RETURN_TOKENS)
  @AnswersNothing(204, 'The password is changed.')
  @Answers(200, TokensResponse, {
    example: TOKENS_EXAMPLE,
    description:
      'The password is changed, and these are the tokens of a new session: `Prefer: return=representation` asked for them.',
    headers: { 'Preference-Applied': 'Always `return=representation`.' },
  })
  @Refuses('wrong_password', 'password_too_common', 'too_many_logins')
  async password(
    @CurrentCaller() caller: Caller,
    @RequestBody() body: PasswordRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokensResponse | undefined> {
    const change = passwordChange(body, clientAddress(request).key);
    if (!prefersRepresentation(request)) {
      await this.changePassword.execute(caller, change);
      return undefined;
    }
    const tokens = await this.changePassword.executeAnew(caller, change);
    void reply.status(200).header('preference-applied', 'return=representation');
    return tokensResponse(tokens);
  }
}

const passwordChange = (body: PasswordRequest, addressKey: string): Parameters<ChangePassword['execute']>[1] => ({
  oldPassword: body.old_password,
  newPassword: body.new_password,
  addressKey,
});
