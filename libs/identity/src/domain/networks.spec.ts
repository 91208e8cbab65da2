import { networksOf } from './networks.js';

describe('the networks of an address', () => {
  it.each(['203.0.113.7', 'unknown'])('%s is alone', (key) => {
    expect(networksOf(key)).toEqual([{ key, factor: 1 }]);
  });

  it.each([
    ['2001:db8:1:2ff::/64', '2001:db8:1:200::/56', '2001:db8:1::/48'],
    ['2001:db8:1:ff::/64', '2001:db8:1:0::/56', '2001:db8:1::/48'],
    ['2001:db8:1:ffff::/64', '2001:db8:1:ff00::/56', '2001:db8:1::/48'],
    ['0:0:0:0::/64', '0:0:0:0::/56', '0:0:0::/48'],
  ])('%s is in %s and %s', (key, by56, by48) => {
    expect(networksOf(key)).toEqual([
      { key, factor: 1 },
      { key: by56, factor: 4 },
      { key: by48, factor: 16 },
    ]);
  });

  it('are the same for addresses of the same customer, and others for the next', () => {
    const by56 = (key: string): string | undefined => networksOf(key)[1]?.key;
    expect(by56('2001:db8:1:201::/64')).toBe(by56('2001:db8:1:2fe::/64'));
    expect(by56('2001:db8:1:201::/64')).not.toBe(by56('2001:db8:1:301::/64'));
  });
});
