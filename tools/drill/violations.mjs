const EXAMPLES = 5;
const KINDS = 40;

/** What must never be, and was: counted by kind, with a few examples of each. */
export class Violations {
  #kinds = new Map();

  constructor(since = performance.now()) {
    this.since = since;
  }

  get count() {
    return [...this.#kinds.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** @param {string} what the same words for each of a kind @param {string} detail where it was seen */
  add(what, detail) {
    this.#keep(what, `at ${((performance.now() - this.since) / 1_000).toFixed(1)} s, ${detail}`);
  }

  /** What was found at the end, in figures. @param {string} what the same words for each of a kind @param {string} detail */
  addFigure(what, detail) {
    this.#keep(what, detail);
  }

  #keep(what, detail) {
    if (!this.#kinds.has(what) && this.#kinds.size === KINDS) return this.#keep('and others', `${what}: ${detail}`);
    const kind = this.#kinds.get(what) ?? { count: 0, examples: [] };
    kind.count += 1;
    if (kind.examples.length < EXAMPLES) kind.examples.push(detail.replaceAll('\n', '\\n'));
    this.#kinds.set(what, kind);
  }

  /** @returns {string[]} a few lines for each kind */
  lines() {
    return [...this.#kinds].flatMap(([what, { count, examples }]) => [
      `  ${what} (${count}):`,
      ...examples.map((example) => `    ${example}`),
    ]);
  }
}
