import { networksOf } from './networks.js';

/** What a password is hashed for, the first of them first: `known` is a login at an address where this account logged in of late, or a change of the password by who has a session. */
export const PURPOSES = ['known', 'login', 'registration'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Who wants a password hashed. */
export interface HashingRequest {
  readonly purpose: Purpose;
  /** Where the caller is. */
  readonly addressKey: string;
  /** Whose password it is: the folded e-mail address. */
  readonly name: string;
}

/** How many requests may wait for hashing, of all purposes together. */
export const WAITING_MAX = 200;

/** Of `WAITING_MAX`, what each purpose has for itself when all are wanted. What one does not need the others may use. */
export const PLACES: Readonly<Record<Purpose, number>> = { known: 100, login: 60, registration: 40 };

/** Who goes first in a turn. So of 8 turns 5 are kept for known logins, 2 for others and 1 for registrations: none waits for ever for the others. */
const FIRST_IN_TURN: readonly Purpose[] = [
  'known',
  'known',
  'login',
  'known',
  'known',
  'login',
  'known',
  'registration',
];

/**
 * The request that is next, or null when none waits. First by purpose: the turn's own, or if nobody waits for that, the first purpose that somebody waits for. Then the address that was served least
 * of late, there the name that was, and then who came first.
 * @param waiting in the order they came
 * @param turn how many requests were let in before
 * @param useOf how much an address, and a name at an address, was served of late
 */
export function findNext<One extends HashingRequest>(
  waiting: readonly One[],
  turn: number,
  useOf: { ofAddress: (one: HashingRequest) => number; ofName: (one: HashingRequest) => number },
): One | null {
  const purpose = [FIRST_IN_TURN[turn % FIRST_IN_TURN.length], ...PURPOSES].find((wanted) =>
    waiting.some((one) => one.purpose === wanted),
  );
  const ranked = waiting
    .filter((one) => one.purpose === purpose)
    .map((one) => ({ one, address: useOf.ofAddress(one), name: useOf.ofName(one) }));
  // (The sort is stable: equals stay in the order they came.)
  return ranked.sort((a, b) => a.address - b.address || a.name - b.name)[0]?.one ?? null;
}

/**
 * When all places are taken: who of those that wait has to leave for a newcomer, or null when the newcomer is refused.
 * A purpose that has more than its places gives way to one that has fewer, and to a higher one. Within a purpose the address with the most waiting gives way, if the newcomer's has at least 2 fewer
 * (of IPv6 its /56 and /48 count, too: `networksOf`); and within an address the name with the most: so the many of one address, or of one name, never refuse another.
 * @param waiting in the order they came, `WAITING_MAX` of them
 */
export function findWhoGivesWay<One extends HashingRequest>(
  waiting: readonly One[],
  newcomer: HashingRequest,
): One | null {
  const of = (purpose: Purpose): One[] => waiting.filter((one) => one.purpose === purpose);
  const own = of(newcomer.purpose);
  const hasFewer = own.length < PLACES[newcomer.purpose];
  const giving = PURPOSES.filter((purpose) => of(purpose).length > PLACES[purpose])
    .filter((purpose) => hasFewer || isLower(purpose, newcomer.purpose))
    .filter((purpose) => purpose !== newcomer.purpose)
    .at(-1);
  if (giving !== undefined) return lastOfHeaviest(of(giving));

  const weights = weightsOf(own);
  const heaviest = lastOfHeaviest(own);
  if (heaviest !== null && weightOf(heaviest, weights) > weightOf(newcomer, weights) + 1) return heaviest;
  const neighbour = lastOfHeaviest(own.filter((one) => one.addressKey === newcomer.addressKey));
  return neighbour !== null && countOf(own, byName, neighbour) > countOf(own, byName, newcomer) + 1 ? neighbour : null;
}

const isLower = (purpose: Purpose, other: Purpose): boolean => PURPOSES.indexOf(purpose) > PURPOSES.indexOf(other);

const byAddress = ({ addressKey }: HashingRequest): string => addressKey;
/** What tells a name at an address from all others. */
export const byName = ({ addressKey, name }: HashingRequest): string => `${addressKey}\0${name}`;

function countOf(
  waiting: readonly HashingRequest[],
  by: (one: HashingRequest) => string,
  like: HashingRequest,
): number {
  return waiting.filter((one) => by(one) === by(like)).length;
}

/** Of the network that has most for its size, of its address that has most, of its name that has most: the one that came last. Null when there is none. */
function lastOfHeaviest<One extends HashingRequest>(waiting: readonly One[]): One | null {
  const weights = weightsOf(waiting);
  const most = Math.max(0, ...weights.values());
  const [network] = [...weights].filter(([, weight]) => weight === most).at(-1) ?? [];
  const inIt = waiting.filter((one) => networksOf(one.addressKey).some(({ key }) => key === network));
  return heaviestBy(byName, heaviestBy(byAddress, inIt)).at(-1) ?? null;
}

/** How many wait in each network, in parts of what its size allows it; in the order in which somebody of them came last. */
function weightsOf(waiting: readonly HashingRequest[]): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const { addressKey } of waiting)
    for (const { key, factor } of networksOf(addressKey)) {
      const weight = (weights.get(key) ?? 0) + 1 / factor;
      weights.delete(key);
      weights.set(key, weight);
    }
  return weights;
}

const weightOf = ({ addressKey }: HashingRequest, weights: ReadonlyMap<string, number>): number =>
  Math.max(...networksOf(addressKey).map(({ key }) => weights.get(key) ?? 0));

/** Those that share the key which most have; of several such keys, the one that came last. */
function heaviestBy<One extends HashingRequest>(by: (one: HashingRequest) => string, waiting: readonly One[]): One[] {
  const groups = new Map<string, One[]>();
  for (const one of waiting) {
    const group = groups.get(by(one));
    if (group === undefined) groups.set(by(one), [one]);
    else group.push(one);
  }
  return [...groups.values()].reduce((most, group) => (group.length >= most.length ? group : most), []);
}
