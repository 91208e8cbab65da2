import {
  BadDump,
  headLine,
  LOWEST_ID,
  messageLine,
  readDump,
  stretchLine,
  tailLine,
  type DumpEntry,
} from './dump-format.js';
import type { MessageDocument } from './message-documents.js';

const CONVERSATION = '01900000-0000-7000-8000-000000000001';
const BEGUN_AT = new Date('2026-11-24T08:00:00.123Z');

const aMessage = (changes: Partial<Record<keyof MessageDocument, unknown>> = {}): MessageDocument =>
  ({
    conversation_id: CONVERSATION,
    seq: 1,
    message_id: '01900000-0000-7000-8000-00000000000a',
    author: 1,
    content: 'hello',
    created_at: BEGUN_AT,
    ...changes,
  }) as MessageDocument;
const everything = stretchLine({ after: LOWEST_ID, upTo: null, live: [CONVERSATION] });
const aDump = (...messages: MessageDocument[]): string[] => [
  headLine(BEGUN_AT),
  ...messages.map(messageLine),
  everything,
  tailLine(messages.length),
];

async function read(lines: readonly string[]): Promise<DumpEntry[]> {
  const entries: DumpEntry[] = [];
  for await (const entry of readDump(
    (async function* () {
      yield* lines.map((line) => line.replace(/\n$/, ''));
    })(),
  ))
    entries.push(entry);
  return entries;
}

describe('a dump of messages', () => {
  it('gives every text, number and instant back to the last bit, one line each', async () => {
    const contents = [
      '',
      '  \r\n\t\u0001\u007f\u2028 ',
      'e\u0301 ≠ é',
      '𝕏'.repeat(1_000),
      '{"$date":"x"}',
      '\ufeff"\\',
    ];
    const messages = contents.map((content, n) => aMessage({ content, seq: n + 1, author: 2 ** 45 + n }));

    const lines = aDump(...messages);

    expect(lines.filter((line) => line.indexOf('\n') !== line.length - 1)).toEqual([]);
    expect((await read(lines)).flatMap((entry) => (entry.kind === 'message' ? [entry.document] : []))).toEqual(
      messages,
    );
  });

  it('says which conversations live, and when it was begun', async () => {
    expect(await read(aDump())).toEqual([
      { kind: 'conversations', stretch: { after: LOWEST_ID, upTo: null, live: [CONVERSATION] }, begunAt: BEGUN_AT },
    ]);
  });

  it('may tell of the conversations in several stretches that join', async () => {
    const stretches = [
      stretchLine({ after: LOWEST_ID, upTo: CONVERSATION, live: [CONVERSATION] }),
      stretchLine({ after: CONVERSATION, upTo: null, live: [] }),
    ];

    expect(await read([headLine(BEGUN_AT), ...stretches, tailLine(0)])).toHaveLength(2);
  });
});

describe('what is refused', () => {
  const [head = '', message = '', tail = ''] = [headLine(BEGUN_AT), messageLine(aMessage()), tailLine(1)];

  it.each([
    ['nothing at all', [], 'empty'],
    ['a text of any kind', ['hello'], 'no dump of messages'],
    ['JSON of another kind', ['{"format":"mongodump"}'], 'no dump of messages'],
    ['the dump of a later release', [head.replace('{"$numberInt":"1"}', '{"$numberInt":"2"}')], 'version 2'],
    ['a dump that was cut after its head', [head], 'cut after line 1'],
    ['a dump that was cut after a message', [head, message], 'cut after line 2'],
    ['a dump without its last line', [head, message, everything], 'cut after line 3'],
    ['garbage in the middle', [head, message, '\u0000', everything, tail], 'Line 3'],
    ['an empty line', [head, '', message, everything, tail], 'Line 2'],
    ['a message too few', [head, everything, tail], 'has 1 messages, but there are 0'],
    ['an end without the conversations', [head, message, tail], 'Line 3'],
    [
      'conversations with a gap',
      [head, message, stretchLine({ after: CONVERSATION, upTo: null, live: [] }), tail],
      'Line 3',
    ],
    ['a message after the conversations', [head, everything, message, tail], 'Line 3'],
    ['something after the end', [head, message, everything, tail, message], 'Line 5 comes after the end'],
    ['a second head', [head, head, message, everything, tail], 'Line 2'],
  ])('%s', async (_, lines, words) => {
    const reading = read(lines);

    await expect(reading).rejects.toBeInstanceOf(BadDump);
    await expect(reading).rejects.toThrow(words);
  });

  it.each<[string, Partial<Record<keyof MessageDocument | 'more', unknown>>]>([
    ['a conversation that is no id', { conversation_id: '1' }],
    ['a conversation that is a query', { conversation_id: { $gt: '' } }],
    ['a seq of 0', { seq: 0 }],
    ['a seq that is no whole number', { seq: 1.5 }],
    ['a seq that is a text', { seq: '1' }],
    ['a message that is no id', { message_id: null }],
    ['an author below 0', { author: -1 }],
    ['a content that is no text', { content: { $ne: 1 } }],
    ['a content that no store keeps', { content: 'a\0' }],
    ['an instant that is a text', { created_at: '2026-11-24T08:00:00.000Z' }],
    ['no instant', { created_at: undefined }],
  ])('a message with %s', async (_, changes) => {
    await expect(read(aDump(aMessage(changes)))).rejects.toThrow('Line 2');
  });

  it('a message with a field that this release does not know', async () => {
    const more = message.replace('{', '{"edited_at":1,');

    await expect(read([head, more, everything, tail])).rejects.toThrow('Line 2');
  });
});
