import type { ConversationKind } from '@edgechat/conversations';
import type { ChatTurn } from '../ports/language-model.js';
import { countTokens, endWithin } from './count-tokens.js';
import { GROUP_INSTRUCTION, groupTurns, shownText, type GroupMessage } from './group-talk.js';
import { orderHistory } from './history.js';

/** What a turn costs besides its text: the marks of its role and its end, 3 or 4 tokens with the common models. */
const TURN_TOKENS = 4;

/** A text, and who said it where that is shown. */
interface Turn {
  readonly content: string;
  readonly speaker?: string;
}

/** What of a history is sent. `isInputCut`: the question is too long to be sent whole. */
export interface Context<Shown> {
  readonly turns: Shown[];
  readonly isInputCut: boolean;
}

const INSTRUCTION: ChatTurn = { role: 'system', content: GROUP_INSTRUCTION };

/**
 * All that a model is sent to answer a question: of one person the turns as they are; of several people an instruction, and then the turns with who said what.
 * Never more than `maxTokens`, but where the instruction alone is more than half of it: the history gets half then.
 * @param messages all that may be sent, in any order, doubles allowed; none after the question but answers to earlier ones
 */
export function contextOf(
  kind: ConversationKind,
  messages: readonly GroupMessage[],
  maxTokens: number,
): Context<ChatTurn> {
  const history = orderHistory(messages);
  if (kind === 'assistant')
    return fitContext(
      history.map(({ role, content }): ChatTurn => ({ role, content })),
      maxTokens,
    );
  const left = Math.max(maxTokens - turnTokens(INSTRUCTION), Math.floor(maxTokens / 2));
  const { turns, isInputCut } = fitContext(groupTurns(history), left);
  return { turns: [INSTRUCTION, ...turns], isInputCut };
}

/**
 * What of a history is sent to the model: the newest turns that fit, without a gap, each older one whole or not at all. The
 * newest is always sent; if it alone is longer than the window, then its end, where the question of a long paste mostly is, and who said it.
 *
 * Only the texts of those that fit are counted, and one more.
 * @param turns newest last; neither it nor its turns are changed
 * @param maxTokens `AI_CONTEXT_MAX_TOKENS`; below 8, and what the name takes, nothing may be left of the newest text
 */
export function fitContext<Shown extends Turn>(turns: readonly Shown[], maxTokens: number): Context<Shown> {
  const newest = turns.at(-1);
  if (newest === undefined) return { turns: [], isInputCut: false };

  let left = maxTokens - turnTokens(newest);
  if (left < 0) {
    const content = endWithin(newest.content, maxTokens - turnTokens({ ...newest, content: '' }));
    return { turns: [{ ...newest, content }], isInputCut: true };
  }

  let oldest = turns.length - 1;
  for (const turn of turns.slice(0, -1).reverse()) {
    left -= turnTokens(turn);
    if (left < 0) break;
    oldest -= 1;
  }
  return { turns: turns.slice(oldest), isInputCut: false };
}

/** What a turn takes of the window: `countTokens` of its text as it is shown, with the name of who said it, and 4. */
export function turnTokens(turn: Turn): number {
  return TURN_TOKENS + countTokens(shownText(turn));
}
