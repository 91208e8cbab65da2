import { accountId, conversationId, newId } from './ids.js';

describe('ids', () => {
  it('are UUIDs of version 7 that sort by the millisecond they were made in', async () => {
    const first = newId();
    await new Promise((resolve) => setTimeout(resolve, 2));
    const second = newId();

    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(first < second).toBe(true);
    expect(Math.abs(Date.now() - parseInt(first.replace('-', '').slice(0, 12), 16))).toBeLessThan(1_000);
  });

  it('are made without doubles', () => {
    expect(new Set(Array.from({ length: 20_000 }, newId)).size).toBe(20_000);
  });

  it.each(['', 'x', '019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5F', '019ab4c2-7d1e-7b3a-9c55-0a1b2c3d4e5f ', 5, null, {}])(
    'of a conversation are not %j',
    (value) => {
      expect(conversationId(value)).toBeNull();
    },
  );

  it.each([0, -1, 1.5, NaN, 2 ** 53])('of an account are not %d', (value) => {
    expect(() => accountId(value)).toThrow(RangeError);
  });
});
