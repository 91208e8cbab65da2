import { Body, Controller, Delete, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CreateConversation, DeleteConversation, ListConversations } from '@edgechat/conversations';
import type { Caller } from '@edgechat/identity';
import { conversationId, Refusal, type ConversationId } from '@edgechat/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Answers, AnswersNothing, Refuses } from '../docs/describe.js';
import { CurrentCaller } from '../http/access.js';
import { invalid } from '../http/validation.js';
import { ConversationRequest, ConversationsQuery } from './chat.requests.js';
import { CONVERSATION_EXAMPLE, conversationResponse, ConversationResponse, ConversationsResponse } from './chat.responses.js';
import { keyOfHeader } from './client-key.js';
import { readCursor, writeCursor } from './cursor.js';

/** A conversation's id from the path. @throws Refusal `conversation_not_found` when it cannot be one */
export function idFromPath(given: string): ConversationId {
  const id = conversationId(given);
  if (id === null) throw new Refusal('conversation_not_found', 'Conversation not found');
  return id;
}

export const IDEMPOTENCY_KEY = { name: 'Idempotency-Key', required: false, description: 'Makes a repeat safe: printable ASCII, 1 to 255 characters.' };

@ApiTags('chat')
@Controller('chat/conversations')
export class ConversationsController {
  constructor(private readonly creation: CreateConversation, private readonly list: ListConversations, private readonly deletion: DeleteConversation) {}

  @ApiOperation({ summary: 'Makes a conversation' })
  @Post()
  @ApiHeader(IDEMPOTENCY_KEY)
  @Answers(201, ConversationResponse, { example: CONVERSATION_EXAMPLE, description: 'The conversation; 200 when the same key made it before.' })
  @Answers(200, ConversationResponse, { example: CONVERSATION_EXAMPLE, description: 'The conversation that the same key made before.' })
  @Refuses('not_yet_supported', 'idempotency_key_reused')
  async create(@CurrentCaller() { accountId }: Caller, @Body() body: ConversationRequest, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<ConversationResponse> {
    if ((body.kind ?? 'assistant') !== 'assistant') throw new Refusal('not_yet_supported', 'This release only knows conversations of kind assistant. Leave kind out.');

    const { id, isReplay } = await this.creation.create({ creator: accountId, title: body.title ?? null, assistant: body.assistant ?? 'always', clientKey: keyOfHeader(request) });
    void reply.status(isReplay ? 200 : 201);
    if (isReplay) void reply.header('Idempotency-Replayed', 'true');
    const conversation = await this.list.find(accountId, id);
    if (conversation === null) throw new Refusal('conversation_not_found', 'Conversation not found');
    return conversationResponse(conversation);
  }

  @ApiOperation({ summary: 'Lists the caller\'s conversations, most recently active first' })
  @Get()
  @Answers(200, ConversationsResponse, { example: { conversations: [CONVERSATION_EXAMPLE], has_more: false, next_cursor: null }, description: 'Most recently active first.' })
  async page(@CurrentCaller() { accountId }: Caller, @Query() query: ConversationsQuery): Promise<ConversationsResponse> {
    if (query.cursor !== undefined && query.skip !== undefined) throw invalid('cursor', 'given_with_skip', 'must not be given together with skip');

    const start = query.cursor === undefined ? ({ by: 'skip', skip: query.skip ?? 0 } as const) : ({ by: 'place', ...readCursor(accountId, query.cursor) } as const);
    const { items, hasMore, next } = await this.list.page(accountId, query.limit, start);
    return { conversations: items.map(conversationResponse), has_more: hasMore, next_cursor: next && writeCursor(accountId, next) };
  }

  @ApiOperation({ summary: 'Deletes a conversation and its messages' })
  @Delete(':id')
  @AnswersNothing(204, 'The conversation is gone, for everybody.')
  @Refuses('conversation_not_found')
  async delete(@CurrentCaller() { accountId }: Caller, @Param('id') id: string): Promise<void> {
    await this.deletion.delete(idFromPath(id), accountId);
  }
}
