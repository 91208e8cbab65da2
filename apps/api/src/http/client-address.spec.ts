import type { Socket } from 'node:net';
import { clientAddress, foldAddress } from './client-address.js';

describe('the address that limits count on', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['0:0:0:0:0:ffff:cb00:7107', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
    ['', 'unknown'],
    ['no address', 'unknown'],
  ])('folds %s to %s', (address, key) => {
    expect(foldAddress(address).key).toBe(key);
  });

  it('believes the socket when a proxy says something that is no address', () => {
    const socket = { remoteAddress: '198.51.100.9' } as Socket;
    expect(clientAddress({ ip: 'unknown', socket })).toEqual({ ip: '198.51.100.9', key: '198.51.100.9' });
  });

  it('drops the port that some proxies add', () => {
    const socket = { remoteAddress: '10.0.0.1' } as Socket;
    expect(
      ['192.0.2.1:5678', '[2001:db8::1]:5678', '[2001:db8::1]', '192.0.2.1'].map(
        (ip) => clientAddress({ ip, socket }).key,
      ),
    ).toEqual(['192.0.2.1', '2001:db8:0:0::/64', '2001:db8:0:0::/64', '192.0.2.1']);
  });

  it('drops the zone of a link-local address', () => {
    expect(clientAddress({ ip: 'fe80::1%eth0', socket: {} as Socket }).key).toBe('fe80:0:0:0::/64');
  });
});
