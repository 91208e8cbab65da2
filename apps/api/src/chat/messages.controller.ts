import { applyDecorators, Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { FAILURE_CODES } from '@edgechat/assistant';
import { ReadMessages, type MessageRange } from '@edgechat/conversations';
import type { Caller } from '@edgechat/identity';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Answers, Refuses, RefusesWith } from '../docs/describe.js';
import { CurrentCaller } from '../http/access.js';
import { BodyLimit, KIB_512 } from '../http/body-limit.js';
import { invalid, RequestBody, RequestQuery } from '../http/validation.js';
import { MessageRequest, MessagesQuery } from './chat.requests.js';
import { clientKey } from './client-key.js';
import { IDEMPOTENCY_KEY } from './conversations.controller.js';
import { idFromPath, seqFromPath } from './ids.js';
import {
  ANSWER_EXAMPLE,
  MESSAGE_EXAMPLE,
  messageResponse,
  MessageResponse,
  MessagesResponse,
  REPLY_EXAMPLE,
  SendResponse,
  unansweredExample,
} from './message.responses.js';
import { SendAndWait } from './send-and-wait.js';

/** Each with the question that is kept. */
const RefusesFailures = applyDecorators(
  ...FAILURE_CODES.map((code) => RefusesWith({ user_message: unansweredExample(code) }, code)),
);

@ApiTags('chat')
@Controller('chat/conversations/:id/messages')
export class MessagesController {
  constructor(
    private readonly sending: SendAndWait,
    private readonly messages: ReadMessages,
  ) {}

  @ApiOperation({ summary: 'Sends a message and, where the assistant answers each one, waits for the answer' })
  @Post()
  @BodyLimit(KIB_512)
  @ApiHeader(IDEMPOTENCY_KEY)
  @Answers(200, SendResponse, {
    example: {
      user_message: MESSAGE_EXAMPLE,
      model_message: ANSWER_EXAMPLE,
      reply: REPLY_EXAMPLE,
    },
    description: 'The message as it is kept and, where the assistant answers each one, its answer.',
  })
  @Refuses('conversation_not_found', 'idempotency_key_reused', 'storage_exhausted')
  @RefusesWith({ user_message: unansweredExample(null) }, 'answer_pending')
  @RefusesFailures
  async send(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') id: string,
    @RequestBody() body: MessageRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SendResponse> {
    const key = clientKey(request, body.client_id ?? null);
    const sent = await this.sending.execute({
      caller: accountId,
      conversationId: idFromPath(id),
      content: body.content,
      clientKey: key,
      requestId: request.id,
    });
    if (sent.isReplay) void reply.header('Idempotency-Replayed', 'true');
    return sent.body;
  }

  @ApiOperation({ summary: 'Lists messages, oldest first' })
  @Get()
  @Answers(200, MessagesResponse, {
    example: { messages: [MESSAGE_EXAMPLE, ANSWER_EXAMPLE], has_more: false },
    description: 'Oldest first.',
  })
  @Refuses('conversation_not_found')
  async page(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') id: string,
    @RequestQuery() query: MessagesQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MessagesResponse> {
    const { items, hasMore } = await this.messages.page(idFromPath(id), accountId, rangeOf(query), (bytes) =>
      reply.takeRoom(bytes),
    );
    return { messages: items.map(messageResponse), has_more: hasMore };
  }

  @ApiOperation({ summary: 'One message' })
  @Get(':seq')
  @ApiParam({ name: 'seq', schema: { type: 'integer', minimum: 1 } })
  @Answers(200, MessageResponse, { example: MESSAGE_EXAMPLE, description: 'The message.' })
  @Refuses('conversation_not_found', 'message_not_found')
  async one(
    @CurrentCaller() { accountId }: Caller,
    @Param('id') id: string,
    @Param('seq') seq: string,
  ): Promise<MessageResponse> {
    return messageResponse(await this.messages.one(idFromPath(id), accountId, seqFromPath(seq)));
  }
}

function rangeOf({ limit, skip, before_seq: before, after_seq: after }: MessagesQuery): MessageRange {
  const given = [skip, before, after].filter((value) => value !== undefined);
  if (given.length > 1)
    throw invalid('skip', 'given_together', 'must be the only one of skip, before_seq and after_seq');
  if (before !== undefined) return { direction: 'before', from: before, limit };
  if (after !== undefined) return { direction: 'after', from: after, limit };
  return { direction: 'skip', from: skip ?? 0, limit };
}
