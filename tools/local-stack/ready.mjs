// @ts-check
import { connect } from 'node:net';

/** @typedef {import('./chain.d.mts').Look} Look */

const lookTimeoutMs = 1_000;

/**
 * Sends bytes to a port of this machine and gives the first bytes of the answer.
 * @param {string} host @param {number} port @param {Uint8Array | string} question
 * @returns {Promise<Buffer | null>} null when nobody answers within a second
 */
export function ask(host, port, question) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    /** @param {Buffer | null} answer */
    const finish = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(lookTimeoutMs, () => finish(null));
    socket
      .once('error', () => finish(null))
      .once('close', () => finish(null))
      .once('data', finish);
    socket.once('connect', () => socket.write(question));
  });
}

/**
 * @param {string} host @param {number} port
 * @returns {Promise<string | null>} why no connection can be made (`ECONNREFUSED`, `ENOTFOUND`, …; `silent` after a second); null when one can
 */
export function whyUnreachable(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    /** @param {string | null} why */
    const finish = (why) => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(lookTimeoutMs, () => finish('silent'));
    socket
      .once('error', (error) => finish('code' in error ? String(error.code) : 'silent'))
      .once('connect', () => finish(null));
  });
}

/** @param {number} port @returns {Promise<Look>} */
export async function lookAtRedis(port) {
  const answer = (await ask('127.0.0.1', port, 'PING\r\n'))?.toString('latin1') ?? '';
  if (answer.startsWith('+PONG')) return 'ready';
  return answer.startsWith('-LOADING') ? 'loading' : 'silent';
}

/** @param {number} length @param {(bytes: Buffer) => void} fill */
function bytes(length, fill) {
  const made = Buffer.alloc(length);
  fill(made);
  return made;
}

/** `{ ping: 1, $db: 'admin' }` as an OP_MSG, by hand: the driver may not be installed, and one call does not need it. */
function mongoPing() {
  const ping = Buffer.concat([Buffer.from('\x10ping\0', 'latin1'), bytes(4, (b) => b.writeInt32LE(1))]);
  const db = Buffer.concat([
    Buffer.from('\x02$db\0', 'latin1'),
    bytes(4, (b) => b.writeInt32LE(6)),
    Buffer.from('admin\0', 'latin1'),
  ]);
  const fields = Buffer.concat([ping, db, Buffer.from([0])]);
  const document = Buffer.concat([bytes(4, (b) => b.writeInt32LE(fields.length + 4)), fields]);
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), document]);
  const header = bytes(16, (b) => {
    b.writeInt32LE(16 + body.length, 0);
    b.writeInt32LE(1, 4);
    b.writeInt32LE(2013, 12);
  });
  return Buffer.concat([header, body]);
}

/** @param {number} port @returns {string} of a server of our own */
export const mongoUrl = (port) => `mongodb://127.0.0.1:${port}/edgechat?directConnection=true`;

/** @param {number} port @returns {Promise<Look>} */
export async function lookAtMongo(port) {
  return (await ask('127.0.0.1', port, mongoPing())) === null ? 'silent' : 'ready';
}

/**
 * PostgreSQL is ready when it takes queries; the database is made then if it is missing.
 * @param {number} port @param {string} user @param {string} database a plain name
 * @returns {Promise<Look>}
 */
export async function lookAtPostgres(port, user, database) {
  const { default: pg } = await import('pg'); // not at the top: this file is read before `npm ci`
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user,
    database: 'postgres',
    connectionTimeoutMillis: lookTimeoutMs,
    ssl: false,
    password: '',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (found.rows.length === 0) await client.query(`create database "${database}"`);
    return 'ready';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    return code === '57P03' ? 'loading' : 'silent'; // 57P03: it is starting up, recovering or shutting down
  } finally {
    await client.end().catch(() => undefined);
  }
}
