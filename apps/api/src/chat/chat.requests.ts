import { applyDecorators } from '@nestjs/common';
import { ApiHideProperty, ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import type { AssistantMode } from '@edgechat/conversations';
import { IsStoredText, QueryInteger, Rule, type Judge } from '../http/validation.js';

const CONTENT_MAX = 32_000;
const SEQ = { min: 0, max: Number.MAX_SAFE_INTEGER, below: 'refuse' } as const;
const CLAMPED = { min: 1, max: 100, below: 'clamp' } as const;
const SKIP = { min: 0, max: Number.MAX_SAFE_INTEGER, below: 'clamp' } as const;

const MODES: readonly unknown[] = ['always', 'mention', 'off'] satisfies AssistantMode[];
const judgeMode: Judge = (value) => (MODES.includes(value) ? null : { code: 'unknown_value', detail: 'must be always, mention or off' });
const judgeKind: Judge = (value) => (typeof value === 'string' ? null : { code: 'wrong_type', detail: 'must be a text' });
const judgeCursor: Judge = (value) => (typeof value === 'string' && value.length <= 512 ? null : { code: 'bad_cursor', detail: 'must be a next_cursor of this list, given once' });

export class ConversationRequest {
  // Other kinds come with their members; until then the document does not show the field, and the controller refuses them.
  @IsOptional() @Rule('kind', judgeKind) @ApiHideProperty() readonly kind?: string;
  @IsOptional() @IsStoredText(1, 200, { required: false, example: 'Trip to Rome' }) readonly title?: string | null;
  @IsOptional()
  @Rule('assistantMode', judgeMode)
  @ApiProperty({ enum: ['always', 'mention', 'off'], required: false, default: 'always', description: 'When the assistant answers.' })
  readonly assistant?: AssistantMode;
}

/** A page of the caller's conversations. */
export class ConversationsQuery {
  @QueryInteger(CLAMPED) readonly limit: number = 20;
  @IsOptional() @QueryInteger(SKIP, { description: 'Conversations to leave out; costs what it skips. Not together with `cursor`.' }) readonly skip?: number;
  @IsOptional()
  @Rule('cursor', judgeCursor)
  @ApiProperty({ type: 'string', required: false, description: '`next_cursor` of the page before.' })
  readonly cursor?: string;
}

const SeqParameter = (description: string): PropertyDecorator => applyDecorators(IsOptional(), QueryInteger(SEQ, { description }));

export class MessagesQuery {
  @QueryInteger(CLAMPED) readonly limit: number = 50;
  @IsOptional() @QueryInteger(SKIP, { description: 'Messages to leave out, from the oldest on. At most one of `skip`, `before_seq` and `after_seq`.' }) readonly skip?: number;
  @SeqParameter('The newest messages below this seq.') readonly before_seq?: number;
  @SeqParameter('The oldest messages above this seq.') readonly after_seq?: number;
}

export class MessageRequest {
  @IsStoredText(1, CONTENT_MAX, { example: 'What is the capital of Italy?' }) readonly content!: string;
  @IsOptional()
  @IsStoredText(1, 255, { required: false, example: 'c7d1', description: 'Makes a repeat safe, like the header Idempotency-Key.' })
  readonly client_id?: string | null;
}
