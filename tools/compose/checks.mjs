/** How many checks passed and failed so far. */
export const counts = { passed: 0, failed: 0 };

/** Thrown by a check that does not hold. */
export class Unmet extends Error {}

/**
 * Says that something must hold.
 * @throws Unmet with `why`, and what was found, unless `holds`
 */
export function must(holds, why, found) {
  if (!holds)
    throw new Unmet(
      found === undefined
        ? why
        : `${why}: ${typeof found === 'string' ? found : JSON.stringify(found)}`.slice(0, 2_000),
    );
}

/**
 * Runs one check and counts it. A check that fails does not stop those after it: they may say more about why.
 * Resolves to what `work` gives, or to undefined when it failed.
 */
export async function check(name, work) {
  const beganAt = Date.now();
  const took = () => `${((Date.now() - beganAt) / 1_000).toFixed(1)} s`;
  try {
    const result = await work();
    counts.passed += 1;
    console.log(`  ok    ${name} (${took()})`);
    return result;
  } catch (error) {
    counts.failed += 1;
    console.log(`  FAIL  ${name} (${took()})\n        ${error instanceof Unmet ? error.message : error?.stack}`);
    return undefined;
  }
}

/** Prints a measured value, which stands in the summary too. */
export function figure(name, value) {
  figures.push(`${name}: ${value}`);
  console.log(`        ${name}: ${value}`);
}
export const figures = [];

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks again until the answer is neither null, undefined nor false, and gives it.
 * @throws Unmet after `withinMs`
 */
export async function eventually(what, ask, withinMs = 30_000) {
  const until = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    must(Date.now() < until, `within ${withinMs / 1_000} s: ${what}`);
    await pause(200);
  }
}
