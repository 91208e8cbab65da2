import { ApiProperty } from '@nestjs/swagger';
import type { Conversation, LastMessage, Member } from '@edgechat/conversations';
import { instant } from '@edgechat/kernel';
import { ACCOUNT_ID } from '../docs/describe.js';

const AT = '2026-11-24T08:00:00.000Z';
const CONVERSATION_ID = '019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5f';

export class LastMessageResponse {
  @ApiProperty({ type: 'integer' }) readonly seq!: number;
  @ApiProperty({ enum: ['user', 'model'] }) readonly role!: 'user' | 'model';
  @ApiProperty({ ...ACCOUNT_ID, nullable: true }) readonly author_id!: number | null;
  @ApiProperty({ description: 'Cut to 200 characters.' }) readonly content!: string;
  @ApiProperty({ format: 'date-time' }) readonly created_at!: string;
}

export const CONVERSATION_EXAMPLE = {
  id: CONVERSATION_ID,
  kind: 'assistant',
  title: 'Trip to Rome',
  assistant: 'always',
  created_at: AT,
  updated_at: AT,
  sort_at: AT,
  message_count: 2,
  last_seq: 2,
  read_seq: 2,
  unread_count: 0,
  member_count: 1,
  my_role: 'owner',
  last_message: { seq: 2, role: 'model', author_id: null, content: 'Rome.', created_at: AT },
} as const;

export class ConversationResponse {
  @ApiProperty({ example: CONVERSATION_ID }) readonly id!: string;
  @ApiProperty({ enum: ['assistant', 'direct', 'group'] }) readonly kind!: string;
  @ApiProperty({ type: 'string', nullable: true }) readonly title!: string | null;
  @ApiProperty({ enum: ['always', 'mention', 'off'] }) readonly assistant!: string;
  @ApiProperty({ format: 'date-time' }) readonly created_at!: string;
  @ApiProperty({ format: 'date-time', description: 'Time of the last message, or of creation.' })
  readonly updated_at!: string;
  @ApiProperty({
    format: 'date-time',
    description:
      'What the inbox is ordered by, the latest first: the later of `updated_at` and when the caller was added.',
  })
  readonly sort_at!: string;
  @ApiProperty({ type: 'integer' }) readonly message_count!: number;
  @ApiProperty({ type: 'integer' }) readonly last_seq!: number;
  @ApiProperty({ type: 'integer' }) readonly read_seq!: number;
  @ApiProperty({ type: 'integer' }) readonly unread_count!: number;
  @ApiProperty({ type: 'integer' }) readonly member_count!: number;
  @ApiProperty({ enum: ['owner', 'admin', 'member'] }) readonly my_role!: string;
  @ApiProperty({ type: LastMessageResponse, nullable: true }) readonly last_message!: LastMessageResponse | null;
}

/** A conversation as the member who asks sees it. */
export function conversationResponse(conversation: Conversation): ConversationResponse {
  return {
    id: conversation.id,
    kind: conversation.kind,
    title: conversation.title,
    assistant: conversation.assistant,
    created_at: instant(conversation.createdAt),
    updated_at: instant(conversation.updatedAt),
    sort_at: instant(conversation.sortAt),
    message_count: conversation.lastSeq,
    last_seq: conversation.lastSeq,
    read_seq: conversation.readSeq,
    unread_count: conversation.lastSeq - conversation.readSeq,
    member_count: conversation.memberCount,
    my_role: conversation.myRole,
    last_message: conversation.lastMessage && lastMessageResponse(conversation.lastMessage),
  };
}

function lastMessageResponse(last: LastMessage): LastMessageResponse {
  return {
    seq: last.seq,
    role: last.role,
    author_id: last.authorId,
    content: last.content,
    created_at: instant(last.createdAt),
  };
}

export class ConversationsResponse {
  @ApiProperty({ type: [ConversationResponse] }) readonly conversations!: ConversationResponse[];
  @ApiProperty({ description: 'Exact.' }) readonly has_more!: boolean;
  @ApiProperty({ type: 'string', nullable: true }) readonly next_cursor!: string | null;
}

export class ReadResponse {
  @ApiProperty({ type: 'integer' }) readonly read_seq!: number;
  @ApiProperty({ type: 'integer' }) readonly unread_count!: number;
}

export const MEMBER_EXAMPLE = { account_id: 6_204_153_389_513_871, display_name: 'Ada', role: 'member', joined_at: AT };

export class MemberResponse {
  @ApiProperty(ACCOUNT_ID) readonly account_id!: number;
  @ApiProperty() readonly display_name!: string;
  @ApiProperty({ enum: ['owner', 'admin', 'member'] }) readonly role!: string;
  @ApiProperty({ format: 'date-time' }) readonly joined_at!: string;
}

export function memberResponse(member: Member): MemberResponse {
  return {
    account_id: member.accountId,
    display_name: member.displayName,
    role: member.role,
    joined_at: instant(member.joinedAt),
  };
}

/** Those who were named. */
export class NamedMembersResponse {
  @ApiProperty({ type: [MemberResponse] }) readonly members!: MemberResponse[];
}

export class MembersResponse {
  @ApiProperty({ type: [MemberResponse] }) readonly members!: MemberResponse[];
  @ApiProperty({ type: 'string', nullable: true }) readonly next_cursor!: string | null;
}
