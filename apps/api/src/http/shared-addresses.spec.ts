import { accountId } from '@edgechat/kernel';
import { SharedAddresses } from './shared-addresses.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

function watch({ trustedProxies = [] }: { trustedProxies?: string[] } = {}) {
  const warnings: string[] = [];
  const addresses = new SharedAddresses(
    { trustedProxies, rateLimitWindowSeconds: 60 },
    { warn: (message) => void warnings.push(message) },
  );
  const note = (account: number, address: string, now = 1): void =>
    addresses.note(accountId(account), () => address, now);
  return { warnings, note };
}

describe('a proxy that nobody named', () => {
  it('is told of once, when more than 20 accounts come from one address', () => {
    const { warnings, note } = watch();
    for (const n of upTo(20)) for (const _ of upTo(3)) note(n, 'proxy');
    expect(warnings).toEqual([]);
    for (const n of upTo(60)) note(n, 'proxy');
    for (const n of upTo(60)) note(n, 'another');
    expect(warnings).toEqual([expect.stringContaining('set TRUSTED_PROXIES to its addresses')]);
    expect(warnings.join()).not.toContain('proxy"');
  });

  it('is none where each has an address, or where they come one window after the other', () => {
    const { warnings, note } = watch();
    for (const n of upTo(500)) note(n, `address ${n % 50}`, 1);
    for (const n of upTo(500)) note(n, 'one', n * 10_000);
    expect(warnings).toEqual([]);
  });

  it('is not looked for where TRUSTED_PROXIES is set', () => {
    const { warnings, note } = watch({ trustedProxies: ['10.0.0.0/8'] });
    for (const n of upTo(60)) note(n, 'one');
    expect(warnings).toEqual([]);
  });

  it('is still seen among addresses without end', () => {
    const { warnings, note } = watch();
    for (const n of upTo(50_000)) {
      note(n, `address ${n}`);
      if (n % 100 === 0) note(n, 'proxy');
    }
    expect(warnings).toHaveLength(1);
  });
});
