import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import Fastify, { type FastifyInstance } from 'fastify';
import { SLICES, type Slice } from '@edgechat/kernel';
import { makeLargeAnswersInSlices } from './large-answers.js';

const TEXT = 'Grüße, 世界 \u2028 "and" \\ \ud800';
const messages = (count: number): object[] =>
  Array.from({ length: count }, (_, n) => ({
    seq: n,
    content: `${n} ${TEXT.repeat(1_600)}`,
    at: new Date(n),
    reply: n % 2 === 0 ? null : { id: n },
    left: undefined,
  }));

describe('an answer of many long texts', () => {
  let server: FastifyInstance;
  const slices: string[] = [];
  const onSlice = (slice: unknown): void => void slices.push((slice as Slice).work);

  beforeAll(() => subscribe(SLICES, onSlice));
  afterAll(() => unsubscribe(SLICES, onSlice));
  beforeEach(() => {
    slices.splice(0);
    server = Fastify();
    makeLargeAnswersInSlices(server);
  });
  afterEach(() => server.close());

  it.each<[string, object]>([
    ['a page', { messages: messages(100), has_more: false }],
    ['a page with more around it', { before: [1, 'two'], left: undefined, messages: messages(100), after: { x: [] } }],
    ['a list with holes', { messages: [...messages(50), undefined, null, 7, () => 1] }],
  ])('is, made in slices, what it is made at once: %s', async (_, answer) => {
    server.get('/', () => answer);
    const { body, headers, statusCode } = await server.inject('/');
    expect(body === JSON.stringify(answer)).toBe(true);
    expect([statusCode, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(slices.filter((work) => work === 'answer').length).toBeGreaterThan(0);
  });

  it('is left to be made at once when it is short', async () => {
    server.get('/', () => ({ messages: [{ content: TEXT }] }));
    expect((await server.inject('/')).json()).toEqual({ messages: [{ content: TEXT }] });
    expect(slices).toEqual([]);
  });
});
