import { Injectable } from '@nestjs/common';
import { Breaker, storeCalled, Unavailable } from '@edgechat/kernel';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { ConnectionLost, fromDriver, isOutage, isStalePlan, isTransient, isUndefinedTable } from './errors.js';

/** One SQL statement under a name: prepared once per connection, and known by its name wherever calls are counted. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** What runs statements: the pool, or one transaction. Rows are what `Row` says they are because the statement beside it says so. */
export interface Sql {
  query<Row extends object>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

/** Longest that one call, or one transaction as a whole, may take. */
export const DEADLINE_MS = 5_000;

// Ids and sequence numbers stay far below 2^53; as strings they would have to be parsed at every use.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * The one way to PostgreSQL. A call gets an answer within 5 s or fails: a connection that says nothing is cut, since one that is given back with a hung statement would poison the pool, and so is one whose
 * prepared statement a migration has made useless.
 * After an outage calls fail at once but for one a second (see Breaker); connections are made anew by the pool.
 * @throws Unavailable `postgres` for an outage, a deadline, a lock conflict or a statement that has to be prepared anew (whose fate is then unknown to the caller); errors of the statement itself fly as `pg.DatabaseError`.
 */
@Injectable()
export class Postgres implements Sql {
  private readonly breaker = new Breaker();
  private isBegun = false;

  constructor(private readonly source: DataSource) {}

  /** True once a usable schema was seen, and for ever after. */
  get hasStarted(): boolean {
    return this.isBegun;
  }

  /** Says that a usable schema was seen. */
  begin(): void {
    this.isBegun = true;
  }

  /** Runs one statement in a transaction of its own: one round trip. */
  query<Row extends object>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.call((client) => run<Row>(client, statement, values));
  }

  /** Runs `work` in one READ COMMITTED transaction, committed when it resolves and rolled back when it throws. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.call(async (client) => {
      await run(client, BEGIN, []);
      try {
        const result = await work({ query: (statement, values = []) => run(client, statement, values) });
        await run(client, COMMIT, []);
        return result;
      } catch (error) {
        if (!isOutage(error)) await run(client, ROLLBACK, []);
        throw error;
      }
    });
  }

  private async call<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const pool = this.findPool();
    if (!pool) throw new Unavailable('postgres', { cause: new ConnectionLost('not connected yet') });
    try {
      return await this.breaker.run(
        () => onConnection(pool, work),
        (error) => (error instanceof PoolBusy ? null : isOutage(error)),
      );
    } catch (error) {
      // Before the first migration there are no tables; that is a start in progress, no bug.
      const isEarly = !this.isBegun && isUndefinedTable(error);
      if (isOutage(error) || isTransient(error) || isStalePlan(error) || error instanceof PoolBusy || isEarly)
        throw new Unavailable('postgres', { cause: error });
      throw error;
    }
  }

  /** Null until the first connection was made. */
  protected findPool(): pg.Pool | null {
    // TypeORM types the pool of its driver as `any`; that it is a pg.Pool is what `type: 'postgres'` means.
    const { master } = this.source.driver as unknown as { master?: pg.Pool };
    return master ?? null;
  }
}

const BEGIN: Statement = { name: 'begin', text: 'begin isolation level read committed' };
const COMMIT: Statement = { name: 'commit', text: 'commit' };
const ROLLBACK: Statement = { name: 'rollback', text: 'rollback' };

/** All connections are in use and none became free in time: too much work, not an outage, so the breaker stays closed. */
class PoolBusy extends Error {}

async function run<Row extends object>(
  client: pg.PoolClient,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  storeCalled('postgres', statement.name);
  try {
    const result = await client.query<Row>({ name: statement.name, text: statement.text, values: [...values] });
    return result.rows;
  } catch (error) {
    throw fromDriver(error);
  }
}

/** A connection of the pool, with somebody who hears its errors from the first moment on: a server that ends while it lets a client in would end this process, were there one turn of the event loop in between. */
function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      if (!client) return reject(pool.totalCount >= pool.options.max ? new PoolBusy() : new ConnectionLost(error));
      client.on('error', ignore);
      resolve(client);
    });
  });
}

async function onConnection<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const beganAt = Date.now();
  const client = await connect(pool);
  let isCut = false;
  const timer = setTimeout(
    () => {
      isCut = true;
      client.release(new Error(`no answer within ${DEADLINE_MS} ms`));
    },
    DEADLINE_MS - (Date.now() - beganAt),
  );
  try {
    const result = await work(client);
    if (!isCut) client.release();
    return result;
  } catch (error) {
    if (!isCut) client.release(isOutage(error) || isStalePlan(error));
    throw error;
  } finally {
    clearTimeout(timer);
    client.off('error', ignore);
  }
}

/** A connection that breaks while it is used also fails the statement under way, which is where it is dealt with; without a listener it would end the process. */
function ignore(): void {
  // see above
}
