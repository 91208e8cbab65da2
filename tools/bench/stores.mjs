import { MongoClient } from 'mongodb';
import pg from 'pg';
import { pause } from '../local-stack/processes.mjs';

pg.types.setTypeParser(pg.types.builtins.INT8, Number);
const LOOK_EVERY_MS = 50;

/** The benchmark's own look into the stores, beside what it measures. */
export class Stores {
  constructor(env) {
    this.pool = new pg.Pool({ connectionString: env.DATABASE_URL, max: 1 });
    this.pool.on('error', () => undefined); // the engines end before us when the run is broken off
    this.mongo = new MongoClient(env.MONGODB_URL);
  }

  async sql(text, values = []) {
    return (await this.pool.query(text, values)).rows;
  }

  get messages() {
    return this.mongo.db('edgechat').collection('messages');
  }

  /** Debts that are open. */
  async backlog() {
    const [{ n }] = await this.sql('select count(*) as n from edgechat.outbox');
    return n;
  }

  /** Waits until nothing is owed; returns how long that took, in seconds, or null when it took longer than `withinMs`. */
  async drained(withinMs = 60_000) {
    const beganAt = performance.now();
    while (performance.now() - beganAt < withinMs) {
      const [{ is_open }] = await this.sql('select exists (select from edgechat.outbox) as is_open');
      if (!is_open) return (performance.now() - beganAt) / 1_000;
      await pause(LOOK_EVERY_MS);
    }
    return null;
  }

  async close() {
    await this.pool.end();
    await this.mongo.close();
  }
}
