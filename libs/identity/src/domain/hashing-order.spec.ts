import {
  findNext,
  findWhoGivesWay,
  PLACES,
  PURPOSES,
  WAITING_MAX,
  type HashingRequest,
  type Purpose,
} from './hashing-order.js';

interface Request extends HashingRequest {
  readonly n: number;
}

let made = 0;
const aRequest = (purpose: Purpose, addressKey: string, name = `somebody ${made}`): Request => ({
  purpose,
  addressKey,
  name,
  n: (made += 1),
});
const many = (count: number, make: (n: number) => Request): Request[] =>
  Array.from({ length: count }, (_, n) => make(n));
const NO_USE = { ofAddress: () => 0, ofName: () => 0 };

/** The purposes of whom is let in, one after the other, from turn 0 on. */
function served(waiting: Request[], turns: number): Purpose[] {
  const purposes: Purpose[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const next = findNext(waiting, turn, NO_USE);
    if (next === null) break;
    waiting.splice(waiting.indexOf(next), 1);
    purposes.push(next.purpose);
  }
  return purposes;
}

describe('whose password is hashed next', () => {
  it('is who comes first, where nothing else tells them apart', () => {
    const waiting = many(3, (n) => aRequest('login', `address ${n}`));
    expect(findNext(waiting, 0, NO_USE)).toBe(waiting[0]);
    expect(findNext([], 0, NO_USE)).toBeNull();
  });

  it('is of 8 turns 5 times a known login, twice another one, once a registration, while all of them wait', () => {
    const waiting = PURPOSES.toReversed().flatMap((purpose) => many(50, (n) => aRequest(purpose, `address ${n}`)));
    const purposes = served(waiting, 80);
    const count = (purpose: Purpose): number => purposes.filter((one) => one === purpose).length;
    expect(PURPOSES.map(count)).toEqual([50, 20, 10]);
  });

  it('is a known login before others, and a login before a registration, in the turns of whom nobody waits for', () => {
    const waiting = [aRequest('registration', 'a'), aRequest('login', 'b'), aRequest('known', 'c')];
    expect(served(waiting, 3)).toEqual(['known', 'login', 'registration']);
    expect(served([aRequest('registration', 'a'), aRequest('registration', 'a')], 2)).toHaveLength(2);
  });

  it('is of the address that was served least of late, and there of the name that was', () => {
    const waiting = [aRequest('login', 'busy', 'x'), aRequest('login', 'idle', 'y'), aRequest('login', 'idle', 'z')];
    const useOf = {
      ofAddress: ({ addressKey }: HashingRequest) => (addressKey === 'busy' ? 2 : 1),
      ofName: ({ name }: HashingRequest) => (name === 'y' ? 1 : 0),
    };
    expect(findNext(waiting, 0, useOf)?.name).toBe('z');
  });
});

describe('who gives way when all places are taken', () => {
  const full = (...parts: Request[][]): Request[] => {
    const waiting = parts.flat();
    expect(waiting).toHaveLength(WAITING_MAX);
    return waiting;
  };

  it.each(PURPOSES)('to a newcomer of another address (%s) is the newest of the address that has most', (purpose) => {
    const waiting = full(
      many(50, (n) => aRequest('login', `address ${n}`)),
      many(150, () => aRequest('login', 'flood')),
    );
    expect(findWhoGivesWay(waiting, aRequest(purpose, 'elsewhere'))).toBe(waiting.at(-1));
  });

  it('is nobody else when the address with the most comes again', () => {
    const waiting = full(
      many(50, (n) => aRequest('login', `address ${n}`)),
      many(150, () => aRequest('login', 'flood')),
    );
    expect(findWhoGivesWay(waiting, aRequest('login', 'flood'))).toBeNull();
    const few = full(many(WAITING_MAX, (n) => aRequest('login', `address ${n}`)));
    expect(findWhoGivesWay(few, aRequest('login', 'elsewhere'))).toBeNull();
  });

  it('is the flood of an address, to somebody known at this very address', () => {
    const waiting = full(many(WAITING_MAX, () => aRequest('login', 'shared')));
    expect(findWhoGivesWay(waiting, aRequest('known', 'shared'))).toBe(waiting.at(-1));
  });

  it('is the account with the most, to another one known at the same address', () => {
    const waiting = full(
      many(100, (n) => aRequest('known', 'shared', `one ${n}`)),
      many(100, () => aRequest('known', 'shared', 'flood')),
    );
    expect(findWhoGivesWay(waiting, aRequest('known', 'shared', 'ada'))).toBe(waiting.at(-1));
    expect(findWhoGivesWay(waiting, aRequest('known', 'shared', 'flood'))).toBeNull();
  });

  it('is one of thousands of addresses with one request each, to who is known, until these have their 100 places', () => {
    const waiting = full(many(WAITING_MAX, (n) => aRequest('login', `address ${n}`)));
    for (let n = 0; n < PLACES.known + PLACES.registration; n += 1) {
      const leaving = findWhoGivesWay(waiting, aRequest('known', `home ${n}`));
      expect(leaving?.purpose).toBe('login');
      waiting.splice(waiting.indexOf(leaving!), 1, aRequest('known', `home ${n}`));
    }
    expect(findWhoGivesWay(waiting, aRequest('known', 'one more'))).toBeNull();
    // 140 known logins and 60 others: of the places that registrations do not use, one goes back to the first.
    expect(findWhoGivesWay(waiting, aRequest('registration', 'new'))?.purpose).toBe('known');
    expect(findWhoGivesWay(waiting, aRequest('login', 'new'))).toBeNull();
  });

  it('is a registration before a login, where both have more than their places', () => {
    const waiting = full(
      many(100, (n) => aRequest('login', `address ${n}`)),
      many(100, (n) => aRequest('registration', `address ${n}`)),
    );
    expect(findWhoGivesWay(waiting, aRequest('known', 'home'))?.purpose).toBe('registration');
    expect(findWhoGivesWay(waiting, aRequest('login', 'new'))?.purpose).toBe('registration');
  });

  it('is of a network of IPv6, where many of its addresses wait, each once', () => {
    const flood = many(WAITING_MAX, (n) => aRequest('login', `2001:db8:1:${n.toString(16)}::/64`));
    expect(findWhoGivesWay(flood, aRequest('login', '192.0.2.1'))).toBe(flood.at(-1));
    expect(findWhoGivesWay(flood, aRequest('login', '2001:db8:2:1::/64'))).toBe(flood.at(-1));
    expect(findWhoGivesWay(flood, aRequest('login', '2001:db8:1:fe::/64'))).toBeNull();
  });
});
