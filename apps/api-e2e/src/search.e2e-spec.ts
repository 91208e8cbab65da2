import { eventually, startStack, type Answer, type Client, type Json, type Stack } from '@edgechat/testing';
import { expectProblem, expectWrongFields, INSTANT } from './problems.js';
import { idOf } from './scene.js';

/** Search as a client sees it, over two APIs and two workers. */
let stack: Stack;
let ada: Client;
let bob: Client;
let group: string;
const TEXTS = [
  'Der Fluß fließt unter der Brücke',
  'Les élèves à l’école',
  '我在北京大学学习中文',
  'コーヒーを飲みました',
  'ภาษาไทยง่าย',
  '대한민국 만세',
  'Ёлка и чай',
  'Zażółć w Łodzi',
  'red car',
  'a red, old and rather slow car',
  'only red',
];
beforeAll(async () => {
  stack = await startStack({ apis: 2, workers: 2 });
  ada = await stack.client(0).register();
  bob = await stack.client(1).register();
  group = await ada.conversation({ kind: 'group', member_ids: [await idOf(bob)], assistant: 'off' });
  for (const [n, text] of TEXTS.entries()) await (n % 2 ? ada : bob).send(group, text);
  await found(ada, 'only', 1);
});
afterEach(() => expect(stack.apis.map(({ output }) => output).join('')).not.toContain('a request failed by a bug'));
afterAll(() => stack.close());

const search = (client: Client, q: string, more = ''): Promise<Answer> =>
  client.get(`/search?q=${encodeURIComponent(q)}${more}`);
const textsOf = ({ body }: Answer): string[] => (body['hits'] as Json[]).map(({ message }) => String(message.content));
const marked = (hit: Json): string =>
  (hit['snippet'] as { text: string; match: boolean }[])
    .map(({ text, match }) => (match ? `[${text}]` : text))
    .join('');

/** Waits until a search has so many hits: at the latest 10 s after they were accepted. */
async function found(client: Client, q: string, count: number): Promise<Answer> {
  return eventually(
    async () => {
      const answer = await search(client, q);
      return textsOf(answer).length === count && answer;
    },
    { withinMs: 10_000 },
  );
}

describe('a search', () => {
  it.each([
    ['fluss bruck', '[Fluß]', 0],
    ['ELEVES ecole', '[élèves]', 1],
    ['京大学', '[京大学]', 2],
    ['ーヒ', '[ーヒ]', 3],
    ['ไทย', '[ไทย]', 4],
    ['민국', '[민국]', 5],
    ['елка', '[Ёлка]', 6],
    ['lodz', '[Łodzi]', 7],
  ])('of %s finds it on every API, for each member', async (q, mark, n) => {
    for (const client of [ada, ada.at(stack.url(1)), bob]) {
      const answer = await search(client, q);
      expect(textsOf(answer)).toEqual([TEXTS[n]]);
      expect(marked(answer.body['hits'][0])).toContain(mark);
    }
  });

  it('shows whole messages as their own call does, with a snippet and a score', async () => {
    const { body } = await search(ada, 'old red');
    const [hit] = body['hits'] as Json[];
    const own = await ada.get(`/chat/conversations/${group}/messages/${hit?.['message'].seq}`);

    expect(body).toEqual({
      hits: [{ message: own.body, snippet: expect.any(Array), score: expect.any(Number) }],
      next_cursor: null,
    });
    expect(hit?.['message']).toMatchObject({
      conversation_id: group,
      role: 'user',
      created_at: expect.stringMatching(INSTANT),
    });
    expect(marked(hit ?? {})).toBe('a [red], [old] and rather slow car');
  });

  it('puts the closer words first, or the newer messages', async () => {
    expect(textsOf(await search(ada, 'red car'))).toEqual(['red car', 'a red, old and rather slow car']);
    expect(textsOf(await search(ada, 'red car', '&sort=newest'))).toEqual([
      'a red, old and rather slow car',
      'red car',
    ]);
  });

  it('is narrowed by what it is given', async () => {
    const all = (await search(ada, 'red', '&sort=newest')).body['hits'] as Json[];
    const [newest, , oldest] = all.map(({ message }) => message as Json);
    const narrowed = async (more: string): Promise<number> => textsOf(await search(ada, 'red', more)).length;

    expect(all).toHaveLength(3);
    expect([
      await narrowed(`&conversation_id=${group}`),
      await narrowed(`&author_id=${await idOf(bob)}`),
      await narrowed('&author_id=999999999'),
      await narrowed('&role=user'),
      await narrowed('&role=model'),
    ]).toEqual([3, 2, 0, 3, 0]);
    expect([
      await narrowed(`&from=${newest?.['created_at']}`),
      await narrowed(`&to=${newest?.['created_at']}`),
      await narrowed(`&from=${oldest?.['created_at']}&to=${newest?.['created_at']}`),
    ]).toEqual([1, 2, 2]);
    expect(await narrowed(`&from=${encodeURIComponent('2020-01-01T00:00:00+02:00')}&to=2020-01-02T00:00:00Z`)).toBe(0);
  });

  it.each(['relevance', 'newest'])('pages by cursor in order of %s, on any API', async (sort) => {
    const pages: string[][] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const answer = await search(
        pages.length % 2 ? ada.at(stack.url(1)) : ada,
        'red',
        `&sort=${sort}&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      pages.push(textsOf(answer));
      cursor = answer.body['next_cursor'];
    }

    expect(pages).toEqual(
      (await search(ada, 'red', `&sort=${sort}`)).body['hits'].map(({ message }: Json) => [message.content]),
    );
  });
});

describe('a bad search', () => {
  it.each(['', '?q=', '?q[]=x', '?q=x&q=y', `?q=${'x'.repeat(257)}`, '?q=%00', '?q=a%00b'])(
    'is 422 for what is no query: %s',
    async (query) => {
      expectWrongFields(await ada.get(`/search${query}`), ['/q']);
    },
  );

  it.each(['!!!', ' ', '"\'\\', '&|<->:*()', '😀❤️', '\u200d', '%', '#~'])('is 422 without a word: %s', async (q) => {
    expectProblem(await search(ada, q), 422, 'query_without_words');
  });

  it.each([
    ['/author_id', '&author_id=x'],
    ['/author_id', '&author_id=0'],
    ['/author_id', '&author_id=1&author_id=2'],
    ['/role', '&role=admin'],
    ['/role', '&role=user&role=model'],
    ['/from', '&from=2026-13-01T00:00:00Z'],
    ['/from', '&from=yesterday'],
    ['/to', '&to=2026-01-01'],
    ['/to', '&to=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z'],
    ['/sort', '&sort=best'],
    ['/sort', '&sort='],
    ['/limit', '&limit=x'],
    ['/cursor', '&cursor=x'],
    ['/cursor', '&cursor='],
    ['/conversation_id', '&conversation_id=x&conversation_id=y'],
  ])('is 422 at %s for %s', async (field, more) => {
    expectWrongFields(await search(ada, 'red', more), [field]);
  });

  it('is 422 with a cursor of another search, call or account', async () => {
    const {
      body: { next_cursor: cursor },
    } = await search(ada, 'red', '&limit=1');
    const {
      body: { next_cursor: members },
    } = await ada.get(`/chat/conversations/${group}/members?limit=1`);

    expect((await search(ada, 'red', `&limit=1&cursor=${cursor}`)).status).toBe(200);
    for (const answer of [
      await search(ada, 'car', `&cursor=${cursor}`),
      await search(ada, 'red', `&sort=newest&cursor=${cursor}`),
      await search(ada, 'red', `&role=user&cursor=${cursor}`),
      await search(bob, 'red', `&cursor=${cursor}`),
      await search(ada, 'red', `&cursor=${members}`),
      await ada.get(`/chat/conversations?cursor=${cursor}`),
    ]) {
      expectWrongFields(answer, ['/cursor']);
      expect(answer.body['errors'][0].code).toBe('bad_cursor');
    }
  });

  it("is 404 in a conversation that is not the caller's, or can be none", async () => {
    const foreign = await bob.conversation({ assistant: 'off' });
    for (const id of [foreign, '019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5f', 'x', '%00', ''])
      expectProblem(await search(ada, 'red', `&conversation_id=${id}`), 404, 'conversation_not_found');
  });

  it('is none for any other text, however it looks', async () => {
    const typed = [
      `'; drop table edgechat.search_words; --`,
      'a:*&!b',
      `o'neil \\' "x" <-> y`,
      '字'.repeat(256),
      '😀 a 😀',
      'a\nb\tc',
      '100% _a_',
      'ﷺ'.repeat(256),
      'a '.repeat(128),
      String.raw`\u0000 \x00`,
    ];
    for (const q of typed) expect((await search(ada, q)).status).toBe(200);
  });
});

describe('guarantee 7: no hit without a key', () => {
  it('not from the moment that a removal or a deletion was answered, on any API', async () => {
    const [carol, dave] = [await stack.client(0).register(), await stack.client(1).register()];
    const left = await carol.conversation({ kind: 'group', member_ids: [await idOf(dave)], assistant: 'off' });
    const deleted = await carol.conversation({ kind: 'direct', member_ids: [await idOf(dave)] });
    await carol.send(left, 'secret of the group');
    await carol.send(deleted, 'secret of two');
    await found(dave, 'secret', 2);

    await carol.call('DELETE', `/chat/conversations/${left}/members/${await idOf(dave)}`);
    expect(textsOf(await search(dave, 'secret'))).toEqual(['secret of two']);
    expectProblem(await search(dave, 'secret', `&conversation_id=${left}`), 404, 'conversation_not_found');
    await carol.call('DELETE', `/chat/conversations/${deleted}`);
    for (const client of [dave, dave.at(stack.url(0))]) expect(textsOf(await search(client, 'secret'))).toEqual([]);
    expect(textsOf(await search(carol, 'secret'))).toEqual(['secret of the group']);
  });

  it('and who joins finds what was said before', async () => {
    const eve = await stack.client().register();
    expect(textsOf(await search(eve, 'red'))).toEqual([]);
    await ada.post(`/chat/conversations/${group}/members`, { account_ids: [await idOf(eve)] });

    expect(textsOf(await search(eve, 'red'))).toHaveLength(3);
  });

  it('asks for a token', async () => {
    expectProblem(await stack.client().get('/search?q=red'), 401, 'unauthorized');
  });
});
