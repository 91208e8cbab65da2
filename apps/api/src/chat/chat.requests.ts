import { applyDecorators } from '@nestjs/common';
import { IsOptional, ValidateIf } from 'class-validator';
import type { AssistantMode, ConversationKind, MemberRole } from '@edgechat/conversations';
import { CursorParameter } from '../http/cursor.js';
import { IsName } from '../http/is-name.js';
import { IsListOfIds, IsOneOf, IsStoredText, IsWholeNumber, QueryInteger } from '../http/validation.js';

const CONTENT_MAX = 32_000;
const SEQ = { min: 0, max: Number.MAX_SAFE_INTEGER, below: 'refuse' } as const;
const CLAMPED = { min: 1, max: 100, below: 'clamp' } as const;
const SKIP = { min: 0, max: Number.MAX_SAFE_INTEGER, below: 'clamp' } as const;

const KINDS = ['assistant', 'direct', 'group'] as const satisfies readonly ConversationKind[];
const MODES = ['always', 'mention', 'off'] as const satisfies readonly AssistantMode[];
const ROLES = ['owner', 'admin', 'member'] as const satisfies readonly MemberRole[];
const MEMBERS_MAX = 1_000;
const TITLE_MAX = 200;

export class ConversationRequest {
  @IsOptional() @IsOneOf(KINDS, { required: false, default: 'assistant' }) readonly kind?: ConversationKind | null;
  @IsOptional() @IsName(TITLE_MAX, { required: false, example: 'Trip to Rome' }) readonly title?: string | null;
  @IsOptional()
  @IsListOfIds(
    { min: 0, max: MEMBERS_MAX },
    {
      required: false,
      description:
        'The others. Exactly one in `direct`, none in `assistant`. Naming yourself, or one twice, changes nothing.',
    },
  )
  readonly member_ids?: readonly number[] | null;
  @IsOptional()
  @IsOneOf(MODES, {
    required: false,
    description:
      'When the assistant answers: `always` unless told in `assistant`, `mention` in `group`, `off` in `direct`.',
  })
  readonly assistant?: AssistantMode | null;
}

/** What is left out stays. */
export class ConversationChangeRequest {
  @IsOptional()
  @IsName(TITLE_MAX, {
    required: false,
    nullable: true,
    example: 'Trip to Naples',
    description: '`null` takes the title away.',
  })
  readonly title?: string | null;
  @ValidateIf((_, value: unknown) => value !== undefined)
  @IsOneOf(MODES, { required: false, example: 'mention', description: 'When the assistant answers.' })
  readonly assistant?: AssistantMode;
}

export class ReadRequest {
  @IsWholeNumber(0, {
    example: 2,
    description: 'All up to this one are read. Above `last_seq` it counts as `last_seq`; the mark never moves back.',
  })
  readonly seq!: number;
}

export class NewMembersRequest {
  @IsListOfIds(
    { min: 1, max: MEMBERS_MAX },
    {
      example: [6_204_153_389_513_871, 3_381_204_887_196_402],
      description: 'Naming one who is a member already, or one twice, changes nothing.',
    },
  )
  readonly account_ids!: readonly number[];
}

export class RoleRequest {
  @IsOneOf(ROLES, { example: 'admin', description: 'Giving `owner` away makes the giver an admin.' })
  readonly role!: MemberRole;
}

/** A page of the caller's conversations. */
export class ConversationsQuery {
  @QueryInteger(CLAMPED) readonly limit: number = 20;
  @IsOptional()
  @QueryInteger(SKIP, { description: 'Conversations to leave out; costs what it skips. Not together with `cursor`.' })
  readonly skip?: number;
  @CursorParameter() readonly cursor?: string;
}

/** A page of a conversation's members. */
export class MembersQuery {
  @QueryInteger(CLAMPED) readonly limit: number = 20;
  @CursorParameter() readonly cursor?: string;
}

const SeqParameter = (description: string): PropertyDecorator =>
  applyDecorators(IsOptional(), QueryInteger(SEQ, { description }));

const ENDS_EARLY =
  'The page may end at about 1 MiB of text, after at least one message: go on while `has_more` is true.';

export class MessagesQuery {
  @QueryInteger(CLAMPED) readonly limit: number = 50;
  @IsOptional()
  @QueryInteger(SKIP, {
    description: 'Messages to leave out, from the oldest on. At most one of `skip`, `before_seq` and `after_seq`.',
  })
  readonly skip?: number;
  @SeqParameter(`The newest messages below this seq. ${ENDS_EARLY}`) readonly before_seq?: number;
  @SeqParameter(`The oldest messages above this seq. ${ENDS_EARLY}`) readonly after_seq?: number;
}

export class MessageRequest {
  @IsStoredText(1, CONTENT_MAX, { example: 'What is the capital of Italy?' }) readonly content!: string;
  @IsOptional()
  @IsStoredText(1, 255, {
    required: false,
    example: 'c7d1',
    description: 'Makes a repeat safe, like the header Idempotency-Key.',
  })
  readonly client_id?: string | null;
}
