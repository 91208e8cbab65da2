import type { ModelMessage } from 'ai';
import { shownText } from '../domain/group-talk.js';
import type { ChatTurn } from '../ports/language-model.js';

/** What the SDK is given: instructions apart, then turns. */
export interface Prompt {
  readonly system: string | undefined;
  readonly messages: ModelMessage[];
}

/**
 * A history in the form that every provider takes: it begins with a person's turn (what the model said before is left out),
 * and has no blank turn, except for the question itself, which is the sender's to word.
 *
 * Where turns have speakers, their names stand before the texts (see `group-talk.ts`): the field `name` of OpenAI's format is known to few servers, and the others have none.
 *
 * With `mergesTurns` neighbours of one role become one turn of several parts, as Gemini and Anthropic want it. OpenAI's
 * format takes them one by one, and several parts are what some servers of that format do not understand.
 */
export function promptOf(turns: readonly ChatTurn[], { mergesTurns }: { readonly mergesTurns: boolean }): Prompt {
  const instructions = turns.filter(({ role }) => role === 'system').map(({ content }) => content);
  const spoken = turns.filter(
    ({ role, content }, i) => role !== 'system' && (i === turns.length - 1 || content.trim() !== ''),
  );
  const first = spoken.findIndex(({ role }) => role === 'user');
  const history = first < 0 ? [] : spoken.slice(first);

  return {
    system: instructions.length === 0 ? undefined : instructions.join('\n\n'),
    messages: (mergesTurns ? runsOfOneRole(history) : history.map((turn) => [turn])).map(messageOf),
  };
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

function messageOf(run: readonly ChatTurn[]): ModelMessage {
  const content = run.map((turn) => ({ type: 'text' as const, text: shownText(turn) }));
  return run[0]?.role === 'model' ? { role: 'assistant', content } : { role: 'user', content };
}
