import { codePoints, cutText } from '@edgechat/kernel';
import { countTokens } from '../domain/count-tokens.js';
import { shownText } from '../domain/group-talk.js';
import { AnswerFailed, LanguageModel } from '../ports/language-model.js';
import type { Answer, AnswerRequest } from '../ports/language-model.js';
import { storableText } from './storable-text.js';

/** A question up to this many characters is repeated whole; of a longer one as many from its beginning, and half as many from its end. */
const EXCERPT = 200;

/**
 * Answers without a model, a key or a network, so that a fresh clone can hold a conversation: it says that it is the demo,
 * and repeats the question between marks of quotation, which reads the same in every language. Where several people talk, who
 * asked stands before it. The same history gives the same text.
 */
export class DemoLanguageModel extends LanguageModel {
  override readonly provider = 'demo';
  override readonly model = 'demo';

  override complete({ messages, signal }: AnswerRequest): Promise<Answer> {
    if (signal.aborted) return Promise.reject(new AnswerFailed('ai_timed_out', { cause: signal.reason }));

    const questions = messages.filter(({ role }) => role === 'user');
    const { content: question, speaker } = questions.at(-1) ?? { content: '' };
    const text = storableText(
      `[EdgeChat demo assistant, no AI model] #${questions.length} ${speaker === undefined ? '' : `${speaker}: `}«${excerpt(question)}»`,
    ).text;
    const tokensIn = messages.reduce((sum, turn) => sum + countTokens(shownText(turn)), 0);
    return Promise.resolve({
      text,
      tokensIn,
      tokensOut: countTokens(text),
      finishReason: 'stop',
      calls: 1,
      failedCalls: [],
      isHistoryRefused: false,
    });
  }
}

function excerpt(question: string): string {
  const length = codePoints(question);
  if (length <= EXCERPT) return question;
  return `${cutText(question, EXCERPT)} … ${lastCharacters(question, EXCERPT / 2)} (${length})`;
}

function lastCharacters(text: string, count: number): string {
  return Array.from(text.slice(-2 * count))
    .slice(-count)
    .join('');
}
