import type { Meaning } from './refusal-table.js';

/** What else may be the reason of a refusal than what the provider seems to say: its sentences can repeat what a person wrote, and its status can come of it. */
export interface Doubts {
  /** A refusal of the request of which nothing says what it is about: perhaps of its form. */
  readonly isUnexplained: boolean;
  /** The form may be the reason, such as the role `system`: a 400 or 422, but for what surely is about something else. */
  readonly mayBeForm: boolean;
  /** What stands before the question may be the reason: no word of the provider's names another. */
  readonly mayBeHistory: boolean;
}

/** How a refusal was judged. */
export interface Decision {
  readonly meaning: Meaning | null;
  /** A word decided (a code, a type): a person's text is no such word. */
  readonly isNamed: boolean;
  readonly status: number | null;
  readonly sentences: string;
}

/** Those of 4xx that say nothing about the request: time-out, conflict, too early, too many. */
export const PASSING_STATUSES: readonly number[] = [408, 409, 425, 429];

/** Servers that put the text together by a template fail in it with 500 when they do not like the roles of the turns. */
const TEMPLATE_FAULT =
  /roles? must alternate|jinja|chat ?template|template error|system (?:role|message|prompt) (?:is )?not supported/;

/** How much is sent, and when: no other text of that length fares better. */
const SURE: readonly (Meaning | null)[] = ['too_long', 'overloaded', 'quota'];

/** What may be doubted of a judgement. */
export function doubtsOf(decision: Decision): Doubts {
  const isUnexplained = decision.meaning === null && isAboutTheForm(decision);
  return {
    isUnexplained,
    mayBeForm: isUnexplained || mayBeForm(decision),
    mayBeHistory: isUnexplained || mayBeHistory(decision),
  };
}

function isAboutTheForm({ status, sentences }: Decision): boolean {
  return status === 400 || status === 422 || (status === 500 && TEMPLATE_FAULT.test(sentences));
}

function mayBeForm({ meaning, isNamed, status }: Decision): boolean {
  if (SURE.includes(meaning) || (isNamed && (meaning === 'content' || meaning === 'key'))) return false;
  return status === 400 || status === 422;
}

/** (A 500 of which nothing is known may be passing: `next-call.ts` has it.) */
function mayBeHistory({ meaning, isNamed, status }: Decision): boolean {
  if (SURE.includes(meaning) || isNamed) return false;
  if (status === null || status === 400 || status === 403) return true;
  if (status === 500) return meaning !== null;
  return status >= 405 && status < 500 && !PASSING_STATUSES.includes(status);
}
