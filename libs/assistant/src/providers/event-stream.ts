import { parsedOrUndefined } from './unknown-json.js';

/** Events of an answer that came as a stream though a whole one was asked for. */
export interface StreamedEvents {
  readonly events: readonly unknown[];
  /** The stream says itself that it is over; where it does not, a finish reason does. */
  readonly isClosed: boolean;
}

/** Reads a body of server-sent events, or of JSON lines; null for what is neither or has a broken event. */
export function streamedEvents(text: string): StreamedEvents | null {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const isEventStream = /^(?:data|event|id|retry)?:/.test(lines[0] ?? '');
  const data = isEventStream
    ? lines.filter((line) => line.startsWith('data:')).map((line) => line.slice('data:'.length).trim())
    : lines;
  const isClosed = data.at(-1) === '[DONE]';
  const events = data.filter((line) => line !== '[DONE]').map(parsedOrUndefined);
  const isWhole = events.length > 0 && events.every((event) => typeof event === 'object' && event !== null);
  return isWhole ? { events, isClosed } : null;
}
