import { contentOf, finishReasonOf } from './reading.js';
import type { AnswerFormat, Content, Reading } from './reading.js';
import { errorIn } from './complaint.js';
import { usageIn } from './reported-usage.js';
import { firstMember, listOf, member, textOf } from './unknown-json.js';

const FINISH = { stop: 'stop', length: 'length', 'content-filter': 'content_filter', other: 'other' } as const;

/** Chat completions as OpenAI makes them, and as the many do that say they do. */
export const OPENAI_FORMAT: AnswerFormat = {
  endsOddlyAs: 'ai_failed',
  read: (body) => {
    const whole = inEnvelope(body);
    const choice = listOf(member(whole, 'choices'))[0];
    const content = answerIn(whole, choice);
    const message = firstMember(choice, 'message', 'delta') ?? member(whole, 'message');
    const refusal = content.refusal + textOf(member(message, 'refusal'));

    return {
      text: content.text,
      reasoning: content.reasoning + reasoningIn(message),
      finishWord: refusal === '' ? finishWordIn(whole, choice) : 'refusal',
      isBlocked: refusal !== '',
      usage: usageIn(member(whole, 'usage') === undefined && member(choice, 'usage') !== undefined ? choice : whole),
      error: errorIn(whole) ?? errorIn(choice),
    };
  },
  bodyOf: ({ text, reasoning, finishWord, usage }: Reading) => ({
    choices: [
      {
        message: { role: 'assistant', content: text, ...(reasoning !== '' && { reasoning_content: reasoning }) },
        finish_reason: FINISH[finishReasonOf(finishWord)],
      },
    ],
    usage: { prompt_tokens: usage.tokensIn, completion_tokens: usage.tokensOut, total_tokens: usage.total },
  }),
};

/** Some gateways put the answer into `data` or `result`, beside a code of their own. */
function inEnvelope(body: unknown): unknown {
  if (member(body, 'choices') !== undefined) return body;
  const inner = ['data', 'result', 'response', 'body'].map((name) => member(body, name));
  return inner.find((value) => member(value, 'choices') !== undefined) ?? body;
}

/** Where the text stands: in a message, whole or as the rest of a stream; beside it as of old; or as other servers name it. */
function answerIn(whole: unknown, choice: unknown): Content {
  const message = firstMember(choice, 'message', 'delta');
  const places = [
    typeof message === 'string' ? message : member(message, 'content'),
    firstMember(choice, 'text', 'content'),
    member(message, 'text'),
    member(member(choice, 'delta'), 'content'),
    member(member(whole, 'message'), 'content'),
    firstMember(whole, 'output_text', 'response', 'generated_text', 'text', 'content'),
    ...listOf(member(whole, 'output')).map((item) => member(item, 'content')),
  ];
  const contents = places.map(contentOf);
  const found = contents.find(({ text }) => text.trim() !== '') ?? contents.find(({ text }) => text !== '');
  return {
    text: found?.text ?? '',
    reasoning: contents.find(({ reasoning }) => reasoning !== '')?.reasoning ?? '',
    refusal: contents.find(({ refusal }) => refusal !== '')?.refusal ?? '',
  };
}

function reasoningIn(message: unknown): string {
  const reasoning = firstMember(message, 'reasoning_content', 'reasoning', 'thinking');
  return textOf(reasoning) || contentOf(reasoning).text;
}

function finishWordIn(whole: unknown, choice: unknown): string {
  const word = firstMember(choice, 'finish_reason', 'finishReason', 'stop_reason', 'native_finish_reason');
  return textOf(word) || textOf(firstMember(whole, 'finish_reason', 'done_reason', 'stop_reason'));
}
