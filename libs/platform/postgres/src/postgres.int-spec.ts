import { createServer, type AddressInfo, type Server } from 'node:net';
import { Unavailable } from '@edgechat/kernel';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { Postgres } from './postgres.js';

/** A message of PostgreSQL's protocol: type, length, body. */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const LET_IN = [message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))];
const ENDED = message(
  'E',
  Buffer.from('SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'),
);

describe('a server that ends in the moment in which it lets a client in', () => {
  let server: Server;
  let pool: pg.Pool;
  beforeAll(async () => {
    server = createServer(
      (socket) =>
        void socket.on('error', () => undefined).once('data', () => socket.end(Buffer.concat([...LET_IN, ENDED]))),
    );
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    pool = new pg.Pool({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, user: 'x', ssl: false });
    pool.on('error', () => undefined);
  });
  afterAll(async () => {
    await pool.end();
    server.close();
  });

  it('makes the call fail as unavailable, and does not end the process', async () => {
    const ends: unknown[] = [];
    const note = (error: unknown): void => void ends.push(error);
    process.prependListener('uncaughtException', note);

    await expect(
      new Postgres({ driver: { master: pool } } as unknown as DataSource).query({ name: 'test', text: 'select 1' }),
    ).rejects.toThrow(Unavailable);

    process.off('uncaughtException', note);
    expect(ends).toEqual([]);
  });
});
