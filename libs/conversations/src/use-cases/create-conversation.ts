import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { newConversationId, Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { AssistantMode } from '../domain/conversation.js';

export interface NewConversation {
  readonly creator: AccountId;
  readonly title: string | null;
  readonly assistant: AssistantMode;
  /** Belongs to the creator and lasts 24 h. */
  readonly clientKey: string | null;
}

const CREATE: Statement = { name: 'conversations.create', text: `select * from edgechat.create_conversation($1, $2, 'assistant', $3, $4, $5, $6)` };

/** Makes a conversation of one account and the assistant. */
@Injectable()
export class CreateConversation {
  constructor(private readonly postgres: Postgres) {}

  /**
   * Makes it, or gives the one that the same key made before. One transaction: the conversation, its owner, its place in the inbox.
   * @throws Refusal `idempotency_key_reused`
   * @throws Unavailable `postgres`
   */
  async create({ creator, title, assistant, clientKey }: NewConversation): Promise<{ id: ConversationId; isReplay: boolean }> {
    const hash = createHash('sha256').update(JSON.stringify([title, assistant])).digest('base64url');
    const [row] = await this.postgres.query<{ outcome: 'created' | 'replayed' | 'key_reused'; conversation_id: ConversationId }>(CREATE, [newConversationId(), creator, title, assistant, clientKey, hash]);
    if (!row) throw new Error('create_conversation gave no row');
    if (row.outcome === 'key_reused') throw new Refusal('idempotency_key_reused', 'This client key was used for another conversation. Use a new key for a new conversation.');
    return { id: row.conversation_id, isReplay: row.outcome === 'replayed' };
  }
}
