import { Injectable } from '@nestjs/common';
import { ReadMessages, type Message } from '@edgechat/conversations';
import { Refusal } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { contextOf, turnTokens, type Context } from '../domain/context-window.js';
import { TOKEN_MAX_BYTES } from '../domain/count-tokens.js';
import { withoutRefused } from '../domain/history.js';
import type { RunningReply } from '../domain/reply.js';
import { Replies } from '../persistence/replies.js';
import type { ChatTurn } from '../ports/language-model.js';

const HISTORY_PAGE = 100;
const HISTORY_MAX_PAGES = 10;

/** Reads what a model is shown of a conversation to answer a question. */
@Injectable()
export class ReadHistory {
  constructor(
    private readonly messages: ReadMessages,
    private readonly replies: Replies,
    private readonly config: Config,
  ) {}

  /**
   * As much of what was said up to the question as fits into the model's window, the question last, without what the provider refused.
   * @throws Refusal `conversation_not_found` @throws Unavailable `postgres`, `mongo`
   */
  async read(reply: RunningReply): Promise<Context<ChatTurn>> {
    const maxTokens = this.config.aiContextMaxTokens;
    const messages = [...(await this.messages.answersAfter(reply.conversationId, reply.questionSeq))];
    let tokens = 0;
    let below = reply.questionSeq;
    let isCutAtAnswer = false;
    for (let page = 0; page < HISTORY_MAX_PAGES && below > 0 && (tokens < maxTokens || isCutAtAnswer); page += 1) {
      const older = await this.messages.upTo(reply.conversationId, below, HISTORY_PAGE, maxTokens * TOKEN_MAX_BYTES);
      messages.push(...older);
      tokens += older.reduce((sum, { content }) => sum + turnTokens({ content }), 0);
      below = (older[0]?.seq ?? 1) - 1;
      // (An answer is shown with at least the end of its question, or not at all.)
      isCutAtAnswer = older[0]?.role === 'model';
    }
    if (!messages.some(({ seq }) => seq === reply.questionSeq))
      throw new Refusal('conversation_not_found', 'Conversation not found');
    return contextOf(reply.kind, await this.shown(reply, messages), maxTokens);
  }

  private async shown(reply: RunningReply, messages: readonly Message[]): Promise<readonly Message[]> {
    if (messages.length === 1) return messages;
    const lowestSeq = messages.reduce((lowest, { seq }) => Math.min(lowest, seq), reply.questionSeq);
    const further = messages.flatMap(({ answersSeq }) =>
      answersSeq !== null && answersSeq < lowestSeq ? [answersSeq] : [],
    );
    const earlier = await this.replies.listEarlier(reply, lowestSeq, further);
    return withoutRefused(messages, earlier, reply.questionSeq);
  }
}
