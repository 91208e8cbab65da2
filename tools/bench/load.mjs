import { connect } from 'node:net';
import { answerAt } from './control.mjs';
import { DRIVERS } from './drivers.mjs';
import { percentile } from './statistics.mjs';

// The generator of load, a process of its own. It shares the machine with what it measures, so it is as cheap as it can be: sockets that stay open, one request under way on each, no HTTP library.

const END_OF_HEAD = Buffer.from('\r\n\r\n');
/** A request without an answer for so long is a failure, and the measurement ends. */
const PATIENCE_MS = 30_000;
const OPENED_AT_ONCE = 100;
const OPENED_EVERY_MS = 20;

/** One connection that sends the requests of its driver one after the other. */
class Connection {
  constructor(load, number) {
    this.load = load;
    this.driver = load.driverOf(number);
    this.bytes = null;
    this.sentAt = 0;
    this.isBusy = false;
    this.isClosed = false;
  }

  open() {
    this.socket = connect({ port: this.load.port, host: '127.0.0.1', noDelay: true }, () => this.load.opened());
    this.socket.on('data', (chunk) => this.take(chunk));
    this.socket.on('error', (error) => this.load.fail(error));
    this.socket.on(
      'close',
      () => this.load.isOver || this.load.fail(new Error('a connection was closed by the server')),
    );
  }

  send() {
    if (this.load.isOver) return this.close();
    this.isBusy = true;
    const request = this.driver.next();
    this.sentAt = performance.now();
    this.socket.write(request);
  }

  take(chunk) {
    this.bytes = this.bytes === null ? chunk : Buffer.concat([this.bytes, chunk]);
    const headEnds = this.bytes.indexOf(END_OF_HEAD);
    if (headEnds < 0) return;
    const head = this.bytes.latin1Slice(0, headEnds);
    const length = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.bytes.length < headEnds + 4 + length) return;

    const tookMs = performance.now() - this.sentAt;
    const status = Number(head.slice(9, 12));
    const body = this.driver.reads || status >= 300 ? this.bytes.utf8Slice(headEnds + 4, headEnds + 4 + length) : '';
    this.bytes = null;
    this.isBusy = false;
    this.load.answered(status, tookMs, head, body);
    this.driver.answered(status, body);
    const waitS = status === 503 ? Number(/\nretry-after: *(\d+)/i.exec(head)?.[1] ?? 0) : 0;
    // Not all at the same instant: those who were refused together come back spread over as much time again.
    if (waitS > 0) setTimeout(() => this.send(), waitS * 1_000 * (1 + Math.random()));
    else this.send();
  }

  close() {
    if (this.isClosed) return;
    this.isClosed = true;
    this.socket.end();
    this.socket.unref();
    this.load.closed();
  }
}

/** One measurement: `connections` at once for `seconds`, or until `requests` were answered. What is under way at the end is awaited and counts. */
class Load {
  constructor({ port, connections, seconds, requests = Infinity, driver, data }) {
    this.port = port;
    this.size = connections;
    this.seconds = seconds;
    this.limit = requests;
    this.driverOf = (number) => DRIVERS[driver](data, number);
    this.latenciesMs = [];
    this.statuses = {};
    this.samples = [];
    this.unpromised = 0;
    this.isOver = false;
  }

  run() {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.connections = Array.from({ length: this.size }, (_, number) => new Connection(this, number));
      this.left = this.size;
      this.toOpen = this.size;
      this.timer = setTimeout(
        () => this.fail(new Error(`${this.toOpen} connections could not be opened`)),
        PATIENCE_MS,
      );
      this.openSome(0);
    });
  }

  /** A few at a time, so that the system's queue of new connections does not overflow: what is measured is who sends at once, not who connects at once. */
  openSome(from) {
    this.connections.slice(from, from + OPENED_AT_ONCE).forEach((connection) => connection.open());
    if (from + OPENED_AT_ONCE < this.size) setTimeout(() => this.openSome(from + OPENED_AT_ONCE), OPENED_EVERY_MS);
  }

  /** The last one starts them all. */
  opened() {
    this.toOpen -= 1;
    if (this.toOpen > 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.end(), this.seconds * 1_000);
    this.beganAt = performance.now();
    this.connections.forEach((connection) => connection.send());
  }

  answered(status, tookMs, head, body) {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    if (status < 300) this.latenciesMs.push(tookMs);
    else if (this.samples.length < 5)
      this.samples.push(`${status} ${/"code":"\w+"/.exec(body)?.[0] ?? ''} ${body.slice(0, 300)}`);
    if (status === 503 && !/\nretry-after: *\d/i.test(head)) this.unpromised += 1;
    this.lastAt = performance.now();
    if (this.latenciesMs.length >= this.limit) this.isOver = true;
  }

  end() {
    this.isOver = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () =>
        this.fail(
          new Error(
            `${this.connections.filter((one) => one.isBusy).length} requests had no answer after ${PATIENCE_MS / 1_000} s`,
          ),
        ),
      PATIENCE_MS,
    );
    // Those that wait to come back have nothing under way.
    for (const connection of this.connections) if (!connection.isBusy) connection.close();
  }

  closed() {
    this.left -= 1;
    if (this.left <= 0) this.finish();
  }

  fail(error) {
    if (this.isFailed) return;
    this.isFailed = true;
    this.isOver = true;
    clearTimeout(this.timer);
    this.connections.forEach(({ socket }) => socket?.destroy());
    this.reject(error);
  }

  finish() {
    if (this.isDone) return;
    this.isDone = true;
    clearTimeout(this.timer);
    const seconds = (this.lastAt - this.beganAt) / 1_000;
    const sorted = Float64Array.from(this.latenciesMs).sort();
    this.resolve({
      answered: sorted.length,
      seconds,
      perSecond: sorted.length / seconds,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      maxMs: sorted.at(-1) ?? 0,
      statuses: this.statuses,
      withoutRetryAfter: this.unpromised,
      samples: this.samples,
      kept: this.connections.map(({ driver }) => driver.kept ?? null),
    });
  }
}

const { BENCH_CONTROL } = process.env;
answerAt(BENCH_CONTROL, { hello: () => true, run: (plan) => new Load(plan).run() });
