// @ts-check
const spinnerFrames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const spinnerMs = 100;
const signOfLifeMs = 5_000;

/** @param {number} ms */
const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;

/**
 * What `npm start` prints: steps that say when they begin, that they go on, and how long they took. On a terminal one line that moves,
 * elsewhere plain lines.
 */
export class Terminal {
  #out;
  #isMoving;
  /** @type {{ name: string, startedAt: number, frame: number, timer: NodeJS.Timeout } | null} */
  #step = null;

  /** @param {NodeJS.WriteStream} out */
  constructor(out) {
    this.#out = out;
    this.#isMoving = out.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  /** @param {string} text a whole line; it does not disturb the line of the step */
  line(text) {
    this.#clear();
    this.#out.write(`${text}\n`);
    this.#draw();
  }

  /** @param {string} text a detail of the step that is running */
  note(text) {
    this.line(`    ${text}`);
  }

  /**
   * @template T
   * @param {string} name @param {() => Promise<T>} work
   * @returns {Promise<T>} what the work gives; its error passes through
   */
  async step(name, work) {
    const startedAt = Date.now();
    const timer = setInterval(() => this.#tick(), this.#isMoving ? spinnerMs : signOfLifeMs);
    if (!this.#isMoving) this.line(`> ${name}`);
    this.#step = { name, startedAt, frame: 0, timer };
    this.#draw();
    let mark = 'x';
    try {
      const result = await work();
      mark = '✓';
      return result;
    } finally {
      this.#clear();
      clearInterval(timer);
      this.#step = null;
      this.line(
        this.#isMoving
          ? `${mark} ${name}  ${seconds(Date.now() - startedAt)}`
          : `    ${mark === 'x' ? 'not finished after' : 'done in'} ${seconds(Date.now() - startedAt)}`,
      );
    }
  }

  #tick() {
    if (this.#step === null) return;
    this.#step.frame += 1;
    if (this.#isMoving) this.#draw();
    else this.#out.write(`    … ${Math.round((Date.now() - this.#step.startedAt) / 1_000)} s\n`);
  }

  #draw() {
    if (!this.#isMoving || this.#step === null) return;
    const { name, startedAt, frame } = this.#step;
    const text = `${spinnerFrames[frame % spinnerFrames.length]} ${name}  ${Math.round((Date.now() - startedAt) / 1_000)} s`;
    this.#out.write(`\r\x1b[K${text.slice(0, Math.max(20, (this.#out.columns || 80) - 1))}`);
  }

  #clear() {
    if (this.#isMoving && this.#step !== null) this.#out.write('\r\x1b[K');
  }
}
