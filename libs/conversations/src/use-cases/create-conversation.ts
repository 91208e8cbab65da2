import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { limitOrNull, newConversationId, Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { DEFAULT_MODE, type AssistantMode, type ConversationKind } from '../domain/conversation.js';
import { LARGE_MAX, LARGE_OF_STRANGERS_MAX, tooManyLarge, tooManyStrangers } from '../domain/people-limits.js';
import { requireAccounts } from '../persistence/member-rows.js';

export interface NewConversation {
  readonly creator: AccountId;
  readonly kind: ConversationKind;
  readonly title: string | null;
  /** Null: what is usual for the kind. */
  readonly assistant: AssistantMode | null;
  /** At most 1,000. The creator among them, or one twice, changes nothing. */
  readonly memberIds: readonly AccountId[];
  /** Belongs to the creator and lasts 24 h. */
  readonly clientKey: string | null;
}

/** `replayed`: the same key had made it. `found`: the direct conversation of these two was there. */
export interface MadeConversation {
  readonly id: ConversationId;
  readonly outcome: 'created' | 'replayed' | 'found';
}

interface MadeRow {
  readonly outcome: MadeConversation['outcome'] | 'key_reused' | 'too_many_large' | 'too_many_strangers';
  readonly conversation_id: ConversationId;
  readonly retry_after_s: number | null;
}

const MAKE: Statement = {
  name: 'conversations.make',
  text: 'select outcome, conversation_id, retry_after_s from edgechat.make_conversation($1, $2, $3, $4, $5, $6, $7, $8::bigint[], $9, $10, $11, $12)',
};

/** Makes a conversation with its members. */
@Injectable()
export class CreateConversation {
  constructor(
    private readonly postgres: Postgres,
    private readonly config: Config,
  ) {}

  /**
   * Makes it, or gives the one that is there: of the same key, or the direct one of a pair, whoever of the two asks and however many at once. One transaction: the conversation, its members, its place in their inboxes.
   * @throws Refusal `direct_needs_one_other`, `assistant_takes_no_members`, `unknown_account`, `too_many_large_groups`, `too_many_strangers`, `idempotency_key_reused`
   * @throws Unavailable `postgres`
   */
  async create(wanted: NewConversation): Promise<MadeConversation> {
    const { creator, kind, title, clientKey } = wanted;
    const others = [...new Set(wanted.memberIds)].filter((id) => id !== creator);
    requireFitting(kind, others.length);
    await requireAccounts(this.postgres, wanted.memberIds, '/member_ids');

    const assistant = wanted.assistant ?? DEFAULT_MODE[kind];
    const values = [
      newConversationId(),
      creator,
      kind,
      title,
      assistant,
      clientKey,
      hashOf([title, assistant, kind, others]),
      others,
      this.config.fanOutWriteLimit,
      LARGE_MAX,
      LARGE_OF_STRANGERS_MAX,
      limitOrNull(this.config.strangersPerDay),
    ];
    const [row] = await this.postgres.query<MadeRow>(MAKE, values);
    if (!row) throw new Error('make_conversation gave no row');
    if (row.outcome === 'key_reused')
      throw new Refusal(
        'idempotency_key_reused',
        'This client key was used for another conversation. Use a new key for a new conversation.',
      );
    if (row.outcome === 'too_many_large') throw tooManyLarge();
    if (row.outcome === 'too_many_strangers') throw tooManyStrangers(row.retry_after_s);
    return { id: row.conversation_id, outcome: row.outcome };
  }
}

function requireFitting(kind: ConversationKind, others: number): void {
  if (kind === 'direct' && others !== 1)
    throw new Refusal(
      'direct_needs_one_other',
      'A direct conversation is one of two people: name exactly one other account in member_ids. For more people make a group.',
    );
  if (kind === 'assistant' && others > 0)
    throw new Refusal(
      'assistant_takes_no_members',
      'A conversation of kind assistant is of one person. Leave member_ids out, or make a group.',
    );
}

/** What makes two requests the same. A conversation without other members is hashed as the release before did, whose keys are still good. */
function hashOf([title, assistant, kind, others]: [
  string | null,
  AssistantMode,
  ConversationKind,
  readonly AccountId[],
]): string {
  const what =
    kind === 'assistant' ? [title, assistant] : [title, assistant, kind, [...others].sort((one, other) => one - other)];
  return createHash('sha256').update(JSON.stringify(what)).digest('base64url');
}
