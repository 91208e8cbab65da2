import type { ConversationKind } from '@edgechat/conversations';
import type { ChatTurn } from '../ports/language-model.js';
import { countTokens } from './count-tokens.js';
import { GROUP_INSTRUCTION, groupTurns, shownText, type GroupMessage } from './group-talk.js';
import { orderHistory } from './history.js';
import { endMinTokens, withoutBeginning, withoutMiddle } from './shortened-text.js';

/** What a turn costs besides its text: the marks of its role and its end, 3 or 4 tokens with the common models. */
const TURN_TOKENS = 4;

/** Where an answer and its question are both too long, the part of the room that the question gets at most. */
const QUESTION_PART = 1 / 3;

/** A text, who said it where that is shown, and whether that was the model. */
interface Turn {
  readonly role?: string;
  readonly content: string;
  readonly speaker?: string;
}

/** What of a history is sent. `isInputCut`: the question is too long to be sent whole. */
export interface Context<Shown> {
  readonly turns: Shown[];
  readonly isInputCut: boolean;
}

const INSTRUCTION: ChatTurn = { role: 'system', content: GROUP_INSTRUCTION };

/** What the words around an instruction take at most where a model gets it in the first turn (see `promptOf`). */
export const INLINING_TOKENS = 40;

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
  const left = Math.max(maxTokens - turnTokens(INSTRUCTION) - INLINING_TOKENS, Math.floor(maxTokens / 2));
  const { turns, isInputCut } = fitContext(groupTurns(history), left);
  return { turns: [INSTRUCTION, ...turns], isInputCut };
}

/**
 * What of a history is sent to the model: the newest turns that fit, without a gap. The question, which is the newest, is always sent; if it alone is longer than the window, its beginning and its
 * end. Of the newest turn that does not fit its end is sent, if there is room for some words of it, and an answer always with at least the end of its question: providers take no history that
 * begins with an answer. What is cut says so in its text, and keeps who said it.
 *
 * Only the texts of those that fit are counted, and two more.
 * @param turns newest last; neither it nor its turns are changed
 * @param maxTokens `AI_CONTEXT_MAX_TOKENS`; below 8, and what the name takes, nothing may be left of the newest text
 */
export function fitContext<Shown extends Turn>(turns: readonly Shown[], maxTokens: number): Context<Shown> {
  const question = turns.at(-1);
  if (question === undefined) return { turns: [], isInputCut: false };

  let left = maxTokens - turnTokens(question);
  if (left < 0) {
    const content = withoutMiddle(question.content, maxTokens - turnTokens({ ...question, content: '' }));
    return { turns: [{ ...question, content }], isInputCut: true };
  }

  let oldest = turns.length - 1;
  for (const turn of turns.slice(0, -1).reverse()) {
    const tokens = turnTokens(turn);
    if (tokens > left) break;
    left -= tokens;
    oldest -= 1;
  }
  return { turns: withParts(turns.slice(0, oldest), turns.slice(oldest), left), isInputCut: false };
}

/** The newer half of these turns by their tokens, each whole, beginning with a person's: an answer without its question is left out. It may be empty. */
export function newerHalf<Shown extends Turn>(turns: readonly Shown[]): Shown[] {
  const tokens = turns.map(turnTokens);
  const half = tokens.reduce((sum, each) => sum + each, 0) / 2;
  let kept = 0;
  let first = turns.length;
  for (const each of tokens.reverse()) {
    kept += each;
    if (kept > half) break;
    first -= 1;
  }
  const newer = turns.slice(first);
  const begins = newer.findIndex((turn) => !isAnswer(turn));
  return begins < 0 ? [] : newer.slice(begins);
}

/** What a turn takes of the window: `countTokens` of its text as it is shown, with the name of who said it, and 4. */
export function turnTokens(turn: Turn): number {
  return TURN_TOKENS + countTokens(shownText(turn));
}

/** The turns that fit, and before them, in the `left` tokens, what there is room for of the newest that does not. */
function withParts<Shown extends Turn>(older: readonly Shown[], fitting: readonly Shown[], left: number): Shown[] {
  const newest = older.at(-1);
  if (newest === undefined) return [...fitting];
  if (isAnswer(newest)) return [...pairWithin(older.at(-2), newest, left, left * QUESTION_PART), ...fitting];

  const part = endOfTurn(newest, left);
  if (part !== null) return [part, ...fitting];
  const [answer, ...others] = fitting;
  if (answer === undefined || others.length === 0 || !isAnswer(answer)) return [...fitting];
  // Its answer makes room for a few words of it, since it cannot be sent without.
  const pair = pairWithin(newest, answer, left + turnTokens(answer), 0);
  return pair.length === 0 ? [...fitting] : [...pair, ...others];
}

/** A question and its answer, each whole or its end, in `maxTokens` together; the question gets `forQuestion` if it needs them, and what the shortest end takes at least. Neither where there is no room for both. */
function pairWithin<Shown extends Turn>(
  question: Shown | undefined,
  answer: Shown,
  maxTokens: number,
  forQuestion: number,
): Shown[] {
  if (question === undefined || isAnswer(question)) return [];

  const least = turnTokens({ ...question, content: '' }) + endMinTokens(question.content);
  const reserved = Math.min(turnTokens(question), Math.max(Math.floor(forQuestion), least));
  const shownAnswer = endOfTurn(answer, maxTokens - reserved);
  if (shownAnswer === null) return [];
  const shownQuestion = endOfTurn(question, maxTokens - turnTokens(shownAnswer));
  return shownQuestion === null ? [] : [shownQuestion, shownAnswer];
}

/** The turn whole if it fits, else the end of its text; null where there is no room for some words of it. */
function endOfTurn<Shown extends Turn>(turn: Shown, maxTokens: number): Shown | null {
  if (turnTokens(turn) <= maxTokens) return turn;
  const content = withoutBeginning(turn.content, maxTokens - turnTokens({ ...turn, content: '' }));
  return content === null ? null : { ...turn, content };
}

const isAnswer = ({ role }: Turn): boolean => role === 'model';
