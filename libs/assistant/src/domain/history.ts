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
