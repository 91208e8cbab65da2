import { Controller, Delete, Get, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  ChangeConversation,
  CreateConversation,
  DeleteConversation,
  ListConversations,
  MarkRead,
} from '@edgechat/conversations';
import type { Caller } from '@edgechat/identity';
import { Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Answers, AnswersNothing, Refuses } from '../docs/describe.js';
import { CurrentCaller } from '../http/access.js';
import { BodyLimit, KIB_64 } from '../http/body-limit.js';
import { RequestId } from '../http/request-id.js';
import { invalid, RequestBody, RequestQuery } from '../http/validation.js';
import { ConversationChangeRequest, ConversationRequest, ConversationsQuery, ReadRequest } from './chat.requests.js';
import {
  CONVERSATION_EXAMPLE,
  conversationResponse,
  ConversationResponse,
  ConversationsResponse,
  ReadResponse,
} from './chat.responses.js';
import { keyOfHeader } from './client-key.js';
import { readInboxCursor, writeInboxCursor } from './cursors.js';
import { accountIds, idFromPath } from './ids.js';

export const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  required: false,
  description: 'Makes a repeat safe: printable ASCII, 1 to 255 characters.',
};

@ApiTags('chat')
@Controller('chat/conversations')
export class ConversationsController {
  constructor(
    private readonly creation: CreateConversation,
    private readonly list: ListConversations,
    private readonly changes: ChangeConversation,
    private readonly deletion: DeleteConversation,
    private readonly marks: MarkRead,
  ) {}

  @ApiOperation({ summary: 'Makes a conversation: with the assistant, with one other, or a group' })
  @Post()
  @BodyLimit(KIB_64)
  @ApiHeader(IDEMPOTENCY_KEY)
  @Answers(201, ConversationResponse, { example: CONVERSATION_EXAMPLE, description: 'The new conversation.' })
  @Answers(200, ConversationResponse, {
    example: CONVERSATION_EXAMPLE,
    description: 'The conversation that the same key made before, or the `direct` that the two have already.',
  })
  @Refuses(
    'unknown_account',
    'direct_needs_one_other',
    'assistant_takes_no_members',
    'too_many_large_groups',
    'too_many_strangers',
    'idempotency_key_reused',
    'conversation_not_found',
  )
  async create(
    @CurrentCaller() { accountId: creator }: Caller,
    @RequestBody() body: ConversationRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConversationResponse> {
    const { kind, title = null, assistant = null } = body;
    const memberIds = accountIds('member_ids', body.member_ids ?? []);
    const { id, outcome } = await this.creation.create({
      creator,
      kind: kind ?? 'assistant',
      title,
      assistant,
      memberIds,
      clientKey: keyOfHeader(request),
    });
    void reply.status(outcome === 'created' ? 201 : 200);
    if (outcome === 'replayed') void reply.header('Idempotency-Replayed', 'true');
    return this.shown(creator, id);
  }

  @ApiOperation({ summary: "Lists the caller's conversations, the latest `sort_at` first" })
  @Get()
  @Answers(200, ConversationsResponse, {
    example: { conversations: [CONVERSATION_EXAMPLE], has_more: false, next_cursor: null },
    description: 'In the order of `sort_at`, the latest first.',
  })
  async page(
    @CurrentCaller() { accountId }: Caller,
    @RequestQuery() query: ConversationsQuery,
  ): Promise<ConversationsResponse> {
    if (query.cursor !== undefined && query.skip !== undefined)
      throw invalid('cursor', 'given_with_skip', 'must not be given together with skip');

    const start =
      query.cursor === undefined
        ? ({ by: 'skip', skip: query.skip ?? 0 } as const)
        : ({ by: 'place', ...readInboxCursor(accountId, query.cursor) } as const);
    const { items, hasMore, next } = await this.list.page(accountId, query.limit, start);
    return {
      conversations: items.map(conversationResponse),
      has_more: hasMore,
      next_cursor: next && writeInboxCursor(accountId, next),
    };
  }

  @ApiOperation({ summary: 'A conversation as the caller sees it' })
  @Get(':id')
  @Answers(200, ConversationResponse, { example: CONVERSATION_EXAMPLE, description: 'The conversation.' })
  @Refuses('conversation_not_found')
  one(@CurrentCaller() { accountId }: Caller, @Param('id') id: string): Promise<ConversationResponse> {
    return this.shown(accountId, idFromPath(id));
  }

  /** Sets the title, and when the assistant answers. For the owner and the admins. */
  @ApiOperation({ summary: "Changes a conversation's title or when the assistant answers" })
  @Patch(':id')
  @Answers(200, ConversationResponse, {
    example: { ...CONVERSATION_EXAMPLE, title: 'Trip to Naples', assistant: 'mention' },
    description: 'The conversation as it is now.',
  })
  @Refuses('conversation_not_found', 'not_allowed')
  async change(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') given: string,
    @RequestBody() { title, assistant }: ConversationChangeRequest,
  ): Promise<ConversationResponse> {
    const id = idFromPath(given);
    await this.changes.change(id, accountId, { title, assistant });
    return this.shown(accountId, id);
  }

  @ApiOperation({ summary: 'Deletes a conversation and its messages, for everybody' })
  @Delete(':id')
  @AnswersNothing(204, 'The conversation is gone, for everybody.')
  @Refuses('conversation_not_found', 'not_allowed')
  async delete(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') id: string,
    @RequestId() requestId: string,
  ): Promise<void> {
    await this.deletion.delete(idFromPath(id), accountId, requestId);
  }

  /** Moves the caller's read mark; never back. */
  @ApiOperation({ summary: 'Marks messages as read, up to and with one of them' })
  @Put(':id/read')
  @Answers(200, ReadResponse, {
    example: { read_seq: 2, unread_count: 0 },
    description: 'The mark as it is now, and what is beyond it.',
  })
  @Refuses('conversation_not_found')
  async read(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') id: string,
    @RequestBody() { seq }: ReadRequest,
  ): Promise<ReadResponse> {
    const { readSeq, unreadCount } = await this.marks.upTo(
      idFromPath(id),
      accountId,
      Math.min(seq, Number.MAX_SAFE_INTEGER),
    );
    return { read_seq: readSeq, unread_count: unreadCount };
  }

  private async shown(account: AccountId, id: ConversationId): Promise<ConversationResponse> {
    const conversation = await this.list.find(account, id);
    if (conversation === null) throw new Refusal('conversation_not_found', 'Conversation not found');
    return conversationResponse(conversation);
  }
}
