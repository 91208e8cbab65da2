// @ts-check
import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { familyOf, isStillRunning, send } from './identity.mjs';
import { stallMs } from './cache.mjs';
import { DiskFull, Failure, end, isDiskFull, lastLines, pause, tellingLines } from './processes.mjs';
import { whyUnreachable } from './ready.mjs';

/**
 * @typedef {import('./chain.d.mts').Candidate} Candidate
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./processes.mjs').Launched} Launched
 */

const stopPatienceMs = 15_000;
/** A server that is being started elsewhere refuses for a moment; longer than that it is not there. */
const refusalsMs = 5_000;
/** What was written longer before an end has nothing to do with it. */
const lastWordsMs = 5_000;
/** What mongod tells of its work, a JSON object a line. */
const mongodChatter = /^\{"t":.*"s":"[DI]\d?"/;
const restartTries = 40;

/** One engine that serves, or did: its process can be stopped, killed, hung, and started again on the same port and data. */
export class Engine {
  /** @type {Launched | null} */
  #process = null;
  #candidate;
  #context;
  #folder;
  #logFile;
  /** Where its log ended when it was last up. */
  #upAtByte = 0;

  /** @param {Candidate} candidate @param {Context} context @param {string} folder @param {number} port */
  constructor(candidate, context, folder, port) {
    this.#candidate = candidate;
    this.#context = context;
    this.#folder = folder;
    this.#logFile = path.join(folder, '..', 'server.log');
    this.kind = context.kind;
    this.port = port;
    this.url = candidate.url(port);
    this.describe = candidate.describe;
    /** @type {Promise<import('./processes.mjs').Exit>} */
    this.exited = new Promise(() => undefined);
  }

  /** The server's pid (PostgreSQL: the postmaster's); null when it is not running. */
  get pid() {
    return this.#process !== null && isStillRunning(this.#process) ? this.#process.pid : null;
  }

  /** @returns {string} the end of what it wrote to its log */
  output() {
    return this.#process?.output() ?? '';
  }

  /** @returns {string} after a colon what it wrote in its last moments, without what it wrote while it started; often nothing */
  lastWords() {
    const stat = statSync(this.#logFile, { throwIfNoEntry: false });
    if (stat === undefined || Date.now() - stat.mtimeMs > lastWordsMs) return '';
    const written = readFileSync(this.#logFile).subarray(this.#upAtByte).toString();
    return lastLines(
      written
        .split('\n')
        .filter((line) => !mongodChatter.test(line))
        .join('\n'),
    );
  }

  /**
   * Starts the server again, on its port and data, and waits until it serves. Does nothing when it runs.
   * @throws Failure when it does not come up; the signal's reason if the start as a whole was aborted
   */
  async restart() {
    const { signal } = this.#context;
    const logFile = this.#logFile;
    if (this.pid !== null) return;
    if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`);
    dropStaleLock(path.join(this.#folder, 'cluster', 'postmaster.pid'));
    for (let tries = 1; ; tries += 1) {
      this.#process = await this.#candidate.start(this.#context, this.#folder, this.port, logFile);
      this.exited = this.#process.exited;
      try {
        await this.#waitUntilReady(this.#process);
        this.#upAtByte = statSync(logFile).size;
        return;
      } catch (error) {
        await end([this.#process], 2_000);
        signal?.throwIfAborted();
        // After a kill the last of the old server's processes may need a moment to leave its memory segment and its port.
        if (tries === restartTries || !/still in use|Address already in use|already running/i.test(this.output()))
          throw error;
        await pause(100);
        rmSync(logFile, { force: true });
      }
    }
  }

  /** @param {Launched} launched */
  async #waitUntilReady(launched) {
    const { signal } = this.#context;
    let lastSign = Date.now();
    let seen = '';
    while (isStillRunning(launched)) {
      signal?.throwIfAborted();
      const look = await this.#candidate.look(this.port);
      if (look === 'ready' && isStillRunning(launched)) return;
      if (look === 'loading' || launched.output() !== seen) lastSign = Date.now();
      seen = launched.output();
      if (Date.now() - lastSign > stallMs)
        throw new Failure(`${this.describe} did nothing for ${stallMs / 1_000} s while starting${lastLines(seen)}`);
      await pause(30);
    }
    if (isDiskFull(launched.output())) throw new DiskFull();
    throw new Failure(`${this.describe} stopped while starting${tellingLines(launched.output())}`);
  }

  /** Stops it cleanly (SIGKILL after 15 s). Safe to repeat. */
  async stop() {
    if (this.#process !== null) await end([this.#process], stopPatienceMs);
  }

  /** SIGKILL for the server and every process of it, as a power cut; returns when all are gone. */
  async kill() {
    if (this.#process === null || this.pid === null) return;
    for (const pid of familyOf(this.#process.pid)) send(pid, 'SIGKILL');
    await end([this.#process], 5_000);
  }

  /** SIGSTOP for the server and every process of it: connections stay open and nothing answers. */
  hang() {
    if (this.pid !== null) for (const pid of familyOf(this.pid)) send(pid, 'SIGSTOP');
  }

  /** SIGCONT after hang(). */
  resume() {
    if (this.pid !== null) for (const pid of familyOf(this.pid)) send(pid, 'SIGCONT');
  }
}

/**
 * PostgreSQL believes the pid in its lock file, which after a reboot (or in a new container) may be anybody's.
 * @param {string} file
 */
function dropStaleLock(file) {
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  const commandFile = `/proc/${pid}/cmdline`;
  if (existsSync('/proc/self') && !(existsSync(commandFile) && readFileSync(commandFile, 'utf8').includes('postgres')))
    rmSync(file);
}

const inWords = new Map([
  ['ECONNREFUSED', 'the connection is refused'],
  ['ENOTFOUND', 'there is no such host'],
  ['silent', 'no answer'],
]);

/**
 * An engine behind a URL that was given: it is somebody else's, so nothing here stops or harms it.
 * @param {import('./engines.d.mts').Kind} kind @param {{ engine: string, variable: string }} chain @param {string} url @param {AbortSignal} [signal]
 * @throws Failure when the URL is none or nobody answers within 20 s, or it refuses for 5 s: to take another engine silently would hide the data
 */
export async function fromUrl(kind, chain, url, signal) {
  const [, scheme = '', authority = '', after = ''] = /^([a-z0-9+]+):\/\/([^/?]*)(.*)$/is.exec(url) ?? [];
  const place = authority.slice(authority.lastIndexOf('@') + 1);
  // Where an `@` comes later, the password may go on up to there: then nothing of the URL is printed.
  const shown = place === '' || /[@#]/.test(place + after) ? 'its server' : place;
  const [, host = '', port = ''] = /^(\[[^\]]+\]|[^:,]+)(?::(\d+))?$/.exec(place) ?? [];
  if (scheme === '') throw new Failure(`${chain.variable} is not a URL.`);
  const defaultPorts = { postgres: 5432, mongo: 27017, redis: 6379 };
  const beganAt = Date.now();
  const isAskable = host !== '' && !scheme.includes('+srv'); // a list of hosts, or a name that DNS resolves to one, is the driver's to read
  for (;;) {
    const why = isAskable
      ? await whyUnreachable(host.replace(/^\[|\]$/g, ''), Number(port || defaultPorts[kind]))
      : null;
    if (why === null) break;
    signal?.throwIfAborted();
    const patienceMs = ['ECONNREFUSED', 'ENOTFOUND'].includes(why) ? refusalsMs : stallMs;
    if (Date.now() - beganAt > patienceMs)
      throw new Failure(
        `${chain.variable} is set, but nothing answers at ${shown} (${inWords.get(why) ?? why}). Start that server, or unset ${chain.variable}.`,
      );
    await pause(200);
  }
  const nothing = async () => undefined;
  return {
    kind,
    url,
    port: Number(port || defaultPorts[kind]),
    describe: `${chain.engine} at ${shown} (${chain.variable})`,
    pid: null,
    exited: new Promise(() => undefined),
    stop: nothing,
    kill: nothing,
    restart: nothing,
    hang: () => undefined,
    resume: () => undefined,
    output: () => '',
    lastWords: () => '',
  };
}
