import { Controller, Delete, Get, Param } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { EndSessions, ListSessions, type Caller } from '@edgechat/identity';
import { sessionId } from '@edgechat/kernel';
import { Answers, AnswersNothing, Refuses } from '../docs/describe.js';
import { CurrentCaller } from '../http/access.js';
import { SESSION_EXAMPLE, sessionResponse, SessionsResponse } from './session.responses.js';

/** Where the caller is logged in. */
@ApiTags('auth')
@Controller('auth/sessions')
export class SessionsController {
  constructor(
    private readonly sessions: ListSessions,
    private readonly endSessions: EndSessions,
  ) {}

  /** The open sessions of the account: at most 50. A login that makes one more ends the one that was not used for the longest time. */
  @ApiOperation({ summary: "Lists the caller's open sessions" })
  @Get()
  @Answers(200, SessionsResponse, {
    example: { sessions: [SESSION_EXAMPLE] },
    description: 'The one used last first.',
  })
  async list(@CurrentCaller() caller: Caller): Promise<SessionsResponse> {
    const sessions = await this.sessions.listOpen(caller.accountId);
    return { sessions: sessions.map((session) => sessionResponse(session, caller.sessionId)) };
  }

  /** Ends a session: its refresh token at once, its access tokens within 5 s. The caller's own is a logout. */
  @ApiOperation({ summary: "Ends one of the caller's sessions" })
  @Delete(':id')
  @AnswersNothing(204, 'The session is over.')
  @Refuses('session_not_found')
  async end(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<void> {
    await this.endSessions.endOne(caller, sessionId(id));
  }

  /** Ends every session of the account but the one of the access token. */
  @ApiOperation({ summary: "Ends all of the caller's sessions but this one" })
  @Delete()
  @AnswersNothing(204, 'All other sessions are over.')
  async endOthers(@CurrentCaller() caller: Caller): Promise<void> {
    await this.endSessions.endOthers(caller);
  }
}
