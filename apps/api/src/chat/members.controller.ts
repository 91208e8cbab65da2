import { Controller, Delete, Get, Param, Patch, Post } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { AddMembers, ChangeRole, ListMembers, RemoveMember } from '@edgechat/conversations';
import type { Caller } from '@edgechat/identity';
import { Answers, AnswersNothing, Refuses } from '../docs/describe.js';
import { CurrentCaller } from '../http/access.js';
import { BodyLimit, KIB_64 } from '../http/body-limit.js';
import { RequestId } from '../http/request-id.js';
import { RequestBody, RequestQuery } from '../http/validation.js';
import { MembersQuery, NewMembersRequest, RoleRequest } from './chat.requests.js';
import {
  MEMBER_EXAMPLE,
  memberResponse,
  MemberResponse,
  MembersResponse,
  NamedMembersResponse,
} from './chat.responses.js';
import { readMembersCursor, writeMembersCursor } from './cursors.js';
import { accountIds, idFromPath, memberFromPath } from './ids.js';

const MEMBER = { name: 'account_id', description: "A member's account id; `me` is the caller." };

/** Who belongs to a conversation. Who may do what is decided by the use cases. */
@ApiTags('chat')
@Controller('chat/conversations/:id/members')
export class MembersController {
  constructor(
    private readonly members: ListMembers,
    private readonly additions: AddMembers,
    private readonly roles: ChangeRole,
    private readonly removal: RemoveMember,
  ) {}

  @ApiOperation({ summary: "Lists a conversation's members, oldest first" })
  @Get()
  @Answers(200, MembersResponse, {
    example: { members: [{ ...MEMBER_EXAMPLE, role: 'owner' }], next_cursor: null },
    description: 'Oldest first.',
  })
  @Refuses('conversation_not_found')
  async page(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') given: string,
    @RequestQuery() { limit, cursor }: MembersQuery,
  ): Promise<MembersResponse> {
    const id = idFromPath(given);
    const after = cursor === undefined ? null : readMembersCursor(id, accountId, cursor);
    const { items, next } = await this.members.page(id, accountId, limit, after);
    return { members: items.map(memberResponse), next_cursor: next && writeMembersCursor(id, accountId, next) };
  }

  /** Adds members to a group. They see its whole history. For the owner and the admins. */
  @ApiOperation({ summary: 'Adds members to a group' })
  @Post()
  @BodyLimit(KIB_64)
  @Answers(200, NamedMembersResponse, {
    example: { members: [MEMBER_EXAMPLE] },
    description: 'Those who were named, also who was a member before.',
  })
  @Refuses(
    'conversation_not_found',
    'groups_only',
    'not_allowed',
    'unknown_account',
    'group_full',
    'too_many_large_groups',
    'too_many_strangers',
  )
  async add(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') id: string,
    @RequestBody() body: NewMembersRequest,
  ): Promise<NamedMembersResponse> {
    const members = await this.additions.add(idFromPath(id), accountId, accountIds('account_ids', body.account_ids));
    return { members: members.map(memberResponse) };
  }

  /** Gives a member of a group another role. For the owner; giving ownership away makes the giver an admin. */
  @ApiOperation({ summary: 'Gives a member of a group another role' })
  @Patch(':account_id')
  @ApiParam(MEMBER)
  @Answers(200, MemberResponse, {
    example: { ...MEMBER_EXAMPLE, role: 'admin' },
    description: 'The member as it is now.',
  })
  @Refuses('conversation_not_found', 'member_not_found', 'groups_only', 'not_allowed', 'owner_must_stay')
  async changeRole(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') id: string,
    @Param('account_id') member: string,
    @RequestBody() { role }: RoleRequest,
  ): Promise<MemberResponse> {
    return memberResponse(await this.roles.change(idFromPath(id), accountId, memberFromPath(member, accountId), role));
  }

  /** Ends a membership: one's own always, another's for the owner and, of members, the admins. When the owner leaves, the longest-standing admin, else member, is owner; when the last leaves, the conversation is deleted. */
  @ApiOperation({ summary: 'Removes a member, or leaves' })
  @Delete(':account_id')
  @ApiParam(MEMBER)
  @AnswersNothing(204, 'The account is no member any more.')
  @Refuses(
    'conversation_not_found',
    'member_not_found',
    'direct_stays',
    'groups_only',
    'not_allowed',
    'owner_not_removable',
  )
  async remove(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') id: string,
    @Param('account_id') member: string,
    @RequestId() requestId: string,
  ): Promise<void> {
    await this.removal.remove(idFromPath(id), accountId, memberFromPath(member, accountId), requestId);
  }
}
