const GARBAGE = 'A'.repeat(4_096);

/** Wrong passwords for many names, registrations and refreshes with garbage, from all addresses at once. */
export function logins({ addresses, call }) {
  const password = 'a long password '.repeat(64);
  const ACTS = [
    (from, n) => call(from, 'POST', '/auth/login', { body: { email: `honest-${n % 20}@example.com`, password } }),
    (from, n) => call(from, 'POST', '/auth/login', { body: { email: `nobody-${n}@example.com`, password } }),
    (from, n) => call(from, 'POST', '/auth/register', { body: { email: `more-${n}@example.com`, password } }),
    (from) => call(from, 'POST', '/auth/refresh', { body: { refresh_token: GARBAGE } }),
  ];
  return {
    name: 'logins and registrations',
    perSecond: 4,
    burst: 20,
    underWayMax: 200,
    act: (n) => ACTS[Math.floor(n / addresses.length) % ACTS.length]({ address: addresses[n % addresses.length] }, n),
  };
}
