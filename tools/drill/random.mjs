/**
 * Chance that can be had again: a stream of numbers made from a seed and a name. Streams of different names have nothing to do with each
 * other, so that one person's choices do not depend on how fast another one was.
 * @param {number} seed @param {...(string | number)} name
 */
export function randomOf(seed, ...name) {
  let state = hashOf(`${seed}/${name.join('/')}`);
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const whole = (below) => Math.floor(next() * below);
  const pick = (list) => list[whole(list.length)];
  return {
    /** A whole number from 0 to `below` - 1. */
    whole,
    /** From 0 to 1. */
    share: next,
    /** True in `share` of all cases. */
    chance: (share) => next() < share,
    pick,
    shuffled: (list) =>
      list
        .map((item) => [next(), item])
        .sort(([one], [other]) => one - other)
        .map(([, item]) => item),
    /** One key of a table of weights. */
    weighted: (table) => {
      let left = next() * Object.values(table).reduce((sum, weight) => sum + weight, 0);
      return Object.keys(table).find((key) => (left -= table[key]) < 0) ?? Object.keys(table)[0];
    },
  };
}

/** FNV-1a, 32 bits. */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
