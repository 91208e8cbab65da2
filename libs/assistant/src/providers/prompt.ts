import type { ModelMessage } from 'ai';
import { countTokens } from '../domain/count-tokens.js';
import { shownText } from '../domain/group-talk.js';
import type { ChatTurn } from '../ports/language-model.js';

/** What the SDK is given: instructions apart, then turns. */
export interface Prompt {
  readonly system: string | undefined;
  readonly messages: ModelMessage[];
}

/** What is to be sent, by its parts. */
export interface Parts {
  /** The operator's, which stands before all turns. */
  readonly instruction: string | undefined;
  /** What was said before the question, beginning with a person's turn. */
  readonly older: readonly ChatTurn[];
  readonly question: ChatTurn | undefined;
}

/** Where the instruction stands: `apart`, as the format has it, or `inlined` in the first turn, for models that know no instructions. */
export type Placement = 'apart' | 'inlined';

/**
 * The parts of a history as every provider takes it: it begins with a person's turn (what the model said before is left out),
 * and has no blank turn, except for the question itself, which is the sender's to word.
 */
export function partsOf(turns: readonly ChatTurn[]): Parts {
  const instructions = turns.filter(({ role }) => role === 'system').map(({ content }) => content);
  const spoken = turns.filter(
    ({ role, content }, i) => role !== 'system' && (i === turns.length - 1 || content.trim() !== ''),
  );
  const first = spoken.findIndex(({ role }) => role === 'user');
  const history = first < 0 ? [] : spoken.slice(first);

  return {
    instruction: instructions.length === 0 ? undefined : instructions.join('\n\n'),
    older: history.slice(0, -1),
    question: history.at(-1),
  };
}

/**
 * The parts in the form that every provider takes: roles alternate, and each turn has one text. Neighbours of one role become one turn, with a blank line between their texts: many servers refuse
 * two turns of one role in a row, and some understand no content but one string.
 *
 * Where turns have speakers, their names stand before the texts (see `group-talk.ts`): the field `name` of OpenAI's format is known to few servers, and the others have none.
 */
export function promptOf({ instruction, older, question }: Parts, placement: Placement = 'apart'): Prompt {
  const messages = runsOfOneRole(question === undefined ? older : [...older, question]).map(messageOf);
  const [first, ...others] = messages;
  if (placement === 'apart' || instruction === undefined || first === undefined)
    return { system: instruction, messages: messages.map(toModelMessage) };

  const inlined = { ...first, content: `${withEnd(instruction)}\n\n${first.content}` };
  return { system: undefined, messages: [inlined, ...others].map(toModelMessage) };
}

/** How many tokens a prompt has, as counted here. */
export function countPrompt({ system, messages }: Prompt): number {
  const texts = messages.map(({ content }) => (typeof content === 'string' ? content : ''));
  return [system ?? '', ...texts].reduce((sum, text) => sum + countTokens(text), 0);
}

interface TextMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

function runsOfOneRole(turns: readonly ChatTurn[]): ChatTurn[][] {
  const runs: ChatTurn[][] = [];
  for (const turn of turns) {
    const last = runs.at(-1);
    if (last?.[0]?.role === turn.role) last.push(turn);
    else runs.push([turn]);
  }
  return runs;
}

function messageOf(run: readonly ChatTurn[]): TextMessage {
  return { role: run[0]?.role === 'model' ? 'assistant' : 'user', content: run.map(shownText).join('\n\n') };
}

/** (The SDK's type wants one object for each role.) */
function toModelMessage({ role, content }: TextMessage): ModelMessage {
  return role === 'assistant' ? { role, content } : { role, content };
}

/** The model must see where the instruction ends and people begin to speak. */
const withEnd = (instruction: string): string =>
  `Instructions for the assistant:\n${instruction}\n\nThese were the instructions. The conversation begins here.`;
