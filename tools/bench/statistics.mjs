/** The value below which `share` (0 to 1) of the values lie, by the nearest rank; 0 of none. @param {ArrayLike<number>} values ascending @param {number} share */
export function percentile(values, share) {
  if (values.length === 0) return 0;
  return values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? 0;
}

/** @param {readonly number[]} values @returns {number} the middle one, or the mean of the two middle ones; 0 of none */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The middle of some measurements of one thing, and how far they lie apart. @param {readonly number[]} values */
export function spreadOf(values) {
  return {
    median: median(values),
    lowest: values.length === 0 ? 0 : Math.min(...values),
    highest: values.length === 0 ? 0 : Math.max(...values),
  };
}

/**
 * One thing measured on two subjects in turns: each pair was measured side by side, so their ratio does not see what changed on the machine meanwhile.
 * @param {readonly number[]} product @param {readonly number[]} floor
 */
export function ratioOf(product, floor) {
  return spreadOf(product.flatMap((value, i) => (floor[i] ? [value / floor[i]] : [])));
}

/** Who is measured first in which round: each as often as the other, so that what grows meanwhile (a table, a heat) is shared fairly. @param {number} round from 0 @returns {('product' | 'floor')[]} */
export const turns = (round) => (round % 2 === 0 ? ['floor', 'product'] : ['product', 'floor']);
