/** What the history needs to know of a message. */
export interface HistoryMessage {
  readonly seq: number;
  readonly role: 'user' | 'model';
  readonly answersSeq: number | null;
  readonly content: string;
}

/**
 * Orders what was said before a question for the model: each answer right after its question, though it may have got its number later, and the question itself last.
 * @param messages all up to the question, and answers to earlier ones; in any order, doubles allowed
 */
export function orderHistory<Message extends HistoryMessage>(messages: readonly Message[]): Message[] {
  const bySeq = new Map(messages.map((message) => [message.seq, message]));
  const place = (message: Message): number => (message.answersSeq === null ? message.seq : message.answersSeq + 0.5);
  return [...bySeq.values()].sort((one, other) => place(one) - place(other));
}

/** What became of an earlier question's reply, as far as later histories need to know it. */
export interface EarlierReply {
  readonly questionSeq: number;
  /** The provider refused the question, or broke its answer off, for what is said there: it would do so again. */
  readonly isRefused: boolean;
  /** The provider refused what stands before this question, and answered the question alone. */
  readonly isHistoryRefused: boolean;
}

/**
 * What of a history may be shown to the model: neither questions that were refused for their content, nor answers to them; and nothing before the newest question that was answered only without
 * what stands before it. The question that is to be answered now is always in it.
 */
export function withoutRefused<Message extends HistoryMessage>(
  messages: readonly Message[],
  replies: readonly EarlierReply[],
  questionSeq: number,
): Message[] {
  const refused = new Set(replies.filter(({ isRefused }) => isRefused).map((reply) => reply.questionSeq));
  const begins = replies.reduce(
    (newest, reply) => (reply.isHistoryRefused ? Math.max(newest, reply.questionSeq) : newest),
    0,
  );
  return messages.filter(({ seq, answersSeq }) => {
    const place = answersSeq ?? seq;
    return seq === questionSeq || (place >= begins && !refused.has(place));
  });
}
