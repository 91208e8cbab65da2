import { contentOf, finishReasonOf, joined, NOTHING } from './reading.js';
import type { AnswerFormat, Reading } from './reading.js';
import { errorIn } from './complaint.js';
import { usageIn } from './reported-usage.js';
import { firstMember, listOf, member, textOf } from './unknown-json.js';

const FINISH = { stop: 'STOP', length: 'MAX_TOKENS', 'content-filter': 'SAFETY', other: 'OTHER' } as const;

/** The finish reasons by their numbers, which is how a proxy writes them that was built on the protocol buffers. */
const FINISH_BY_NUMBER = [
  '',
  'STOP',
  'MAX_TOKENS',
  'SAFETY',
  'RECITATION',
  'OTHER',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
];

/** Many more than any answer has. */
const MAX_BODIES = 10_000;

/** Gemini's `generateContent`: one body, or the list of bodies that is a stream of it. */
export const GEMINI_FORMAT: AnswerFormat = {
  // It blocks texts in more ways than it has words for.
  endsOddlyAs: 'ai_refused',
  read: (body) =>
    Array.isArray(body) && body.length > 1 ? joined(body.slice(0, MAX_BODIES).map(readOne)) : readOne(body),
  bodyOf: ({ text, reasoning, finishWord, usage }: Reading) => ({
    candidates: [
      {
        content: {
          role: 'model',
          parts: [...(reasoning === '' ? [] : [{ text: reasoning, thought: true }]), { text }],
        },
        finishReason: FINISH[finishReasonOf(finishWord)],
      },
    ],
    usageMetadata: {
      promptTokenCount: usage.tokensIn,
      candidatesTokenCount: usage.tokensOut,
      totalTokenCount: usage.total,
    },
  }),
};

function readOne(body: unknown): Reading {
  const whole = member(body, 'response') ?? body;
  const candidate = listOf(member(whole, 'candidates'))[0];
  const content = listOf(member(candidate, 'content')).map((turn) => member(turn, 'parts') ?? turn);
  const { text, reasoning } = contentOf(content.flatMap(listOf));
  const feedback = firstMember(whole, 'promptFeedback', 'prompt_feedback');
  const blocked = firstMember(feedback, 'blockReason', 'block_reason');
  const finish = firstMember(candidate, 'finishReason', 'finish_reason');

  return {
    ...NOTHING,
    text: text || textOf(firstMember(candidate, 'text', 'output')),
    reasoning,
    finishWord: typeof finish === 'number' ? (FINISH_BY_NUMBER[finish] ?? '') : textOf(finish) || textOf(blocked),
    isBlocked: blocked !== undefined && blocked !== '',
    usage: usageIn(whole),
    error: errorIn(whole),
  };
}
