import { accountId } from '@edgechat/kernel';
import { Talk } from './test-talk.js';

describe('the limits of searches that an operator sets', () => {
  const anyone = { reader: accountId(1) };
  const LONG = `needle ${'字'.repeat(20_000)}`;
  let talk: Talk;
  const withLimits = async (env: Readonly<Record<string, string>>): Promise<void> => {
    talk = await Talk.begin(env);
  };
  afterEach(() => talk.end());

  it('SEARCH_READ_KB: a page ends once it has read so much, and the next one goes on', async () => {
    await withLimits({ SEARCH_READ_KB: '150' });
    await talk.conversation([1], [LONG, LONG, LONG, LONG, LONG]);

    const { hits, next } = await talk.page('needle', anyone);
    expect(hits.length).toBeLessThanOrEqual(3);
    expect(next).not.toBeNull();
    expect(await talk.all('needle', anyone)).toHaveLength(5);
  }, 60_000);

  it('SEARCH_TERMS_KIB: what is beyond the terms of a message is not found', async () => {
    await withLimits({ SEARCH_TERMS_KIB: '1' });
    const words = Array.from({ length: 200 }, (_, n) => `word${n}`).join(' ');
    await talk.conversation([1], [`first ${words} last`]);

    expect(await talk.texts('first', anyone)).toHaveLength(1);
    expect(await talk.texts('last', anyone)).toEqual([]);
  }, 60_000);

  it('SEARCH_WAIT_MS: at 0 a search that would have to wait is refused at once', async () => {
    await withLimits({ SEARCHES_AT_ONCE_PER_ACCOUNT: '1', SEARCH_WAIT_MS: '0' });
    await talk.conversation([1], ['needle']);

    const outcomes = await Promise.allSettled([talk.page('needle', anyone), talk.page('needle', anyone)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'too_many_searches' } });
  }, 60_000);
});
