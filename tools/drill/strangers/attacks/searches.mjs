const QUERY_MAX = 256;
const repeated = (text) => text.repeat(Math.ceil(QUERY_MAX / text.length)).slice(0, QUERY_MAX);
/** What finds the hostile texts, and what is dear to look for. */
const QUERIES = [
  'क',
  'キロメートル',
  repeated('キロメートル'),
  'صلى',
  '的一',
  'a',
  repeated('a '),
  repeated('的 一 是 '),
  Array.from({ length: 50 }, (_, n) => `a${n.toString(36)}`)
    .join(' ')
    .slice(0, QUERY_MAX),
  `"${'的一是不'.repeat(50)}"`,
  `"${'ab ac ad '.repeat(27)}"`,
  `a ${'-zz '.repeat(60)}`,
  'a'.repeat(QUERY_MAX),
  `क${'\u0951'.repeat(120)}`,
  '가',
];

/** Searches that hit the hostile texts, several of one account in one instant. */
export function searches({ attackers, call }) {
  const BURST = 6;
  return {
    name: 'dear searches',
    perSecond: 15,
    burst: BURST,
    underWayMax: 100,
    act(n) {
      const account = attackers.searches[Math.floor(n / BURST) % attackers.searches.length];
      return call(account, 'GET', `/search?q=${encodeURIComponent(QUERIES[n % QUERIES.length])}&limit=100`);
    },
  };
}
