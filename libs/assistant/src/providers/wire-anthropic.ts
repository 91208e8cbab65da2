import { contentOf, finishReasonOf, NOTHING } from './reading.js';
import type { AnswerFormat, Reading } from './reading.js';
import { errorIn } from './complaint.js';
import { laterUsage, usageIn } from './reported-usage.js';
import { firstMember, member, textOf } from './unknown-json.js';

const FINISH = { stop: 'end_turn', length: 'max_tokens', 'content-filter': 'refusal', other: 'other' } as const;

/** Anthropic's messages, and the events of their streams. */
export const ANTHROPIC_FORMAT: AnswerFormat = {
  endsOddlyAs: 'ai_failed',
  read: (body) => {
    const message = member(body, 'message');
    const whole = typeof message === 'object' && message !== null ? message : body;
    const delta = member(body, 'delta');
    const { text, reasoning } = contentOf(
      firstMember(whole, 'content', 'content_block') ?? delta ?? member(whole, 'completion'),
    );
    return {
      ...NOTHING,
      text,
      reasoning: reasoning || textOf(member(delta, 'thinking')),
      finishWord: textOf(firstMember(whole, 'stop_reason', 'finish_reason')) || textOf(member(delta, 'stop_reason')),
      usage: laterUsage(usageIn(whole), usageIn(body)),
      error: errorIn(body),
    };
  },
  bodyOf: ({ text, reasoning, finishWord, usage }: Reading) => ({
    type: 'message',
    content: [
      ...(reasoning === '' ? [] : [{ type: 'thinking', thinking: reasoning, signature: '' }]),
      { type: 'text', text },
    ],
    stop_reason: FINISH[finishReasonOf(finishWord)],
    usage: { input_tokens: usage.tokensIn ?? 0, output_tokens: usage.tokensOut ?? 0, total_tokens: usage.total },
  }),
};
