import { createHmac, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '@edgechat/platform/config';
import { Postgres, type Statement } from '@edgechat/platform/postgres';

/** One key for each purpose, all made from one secret. */
export interface KeySet {
  /** The secret itself: signs access tokens. */
  readonly access: KeyObject;
  /** Signs refresh tokens. */
  readonly refresh: Buffer;
  /** Hides addresses and account names wherever they are kept. */
  readonly pseudonym: Buffer;
}

/** What is made now is made with these; what the secret before them made is accepted as well. */
export interface Keys extends KeySet {
  readonly previous: KeySet | null;
}

const SECRET_BYTES = 32;

const FIND_SECRET: Statement = {
  name: 'find-signing-secret',
  text: `select value from edgechat.secrets where name = 'token-signing'`,
};
const KEEP_SECRET: Statement = {
  name: 'keep-signing-secret',
  text: `insert into edgechat.secrets (name, value) values ('token-signing', $1::bytea) on conflict (name) do nothing`,
};

/**
 * The keys of this system, the same in every replica: from `JWT_SECRET`, else from a secret that the first process in need of it makes and keeps in PostgreSQL.
 * While the secret is replaced, also those from `JWT_SECRET_PREVIOUS`.
 * Read at first need, so that a process starts before its stores; a failed reading is tried again by the next call.
 */
@Injectable()
export class SigningKeys {
  private loading: Promise<Keys> | null = null;

  constructor(
    private readonly config: Config,
    private readonly postgres: Postgres,
  ) {}

  /** The keys. @throws Unavailable `postgres` while the kept secret cannot be read. */
  get(): Promise<Keys> {
    this.loading ??= this.load().catch((error: unknown) => {
      this.loading = null;
      throw error;
    });
    return this.loading;
  }

  private async load(): Promise<Keys> {
    const { jwtSecret, jwtSecretPrevious } = this.config;
    const current = jwtSecret === undefined ? await this.keptSecret() : Buffer.from(jwtSecret, 'utf8');
    const hasPrevious = jwtSecretPrevious !== undefined && jwtSecretPrevious !== jwtSecret;
    return { ...derive(current), previous: hasPrevious ? derive(Buffer.from(jwtSecretPrevious, 'utf8')) : null };
  }

  private async keptSecret(): Promise<Buffer> {
    const found = await this.findSecret();
    if (found) return found;

    // Whoever inserts first wins; a statement of its own then reads what won, since this one's snapshot may not show it.
    await this.postgres.query(KEEP_SECRET, [randomBytes(SECRET_BYTES)]);
    const kept = await this.findSecret();
    if (!kept) throw new Error('the signing secret was removed while it was made');
    return kept;
  }

  private async findSecret(): Promise<Buffer | null> {
    const [row] = await this.postgres.query<{ value: Buffer }>(FIND_SECRET);
    return row ? row.value : null;
  }
}

/** A stand-in for a text that is personal: equal texts have equal stand-ins, and without the key nothing leads back. `purpose` keeps kinds of text apart. */
export function pseudonym(keys: KeySet, purpose: 'address' | 'account-name', text: string): Buffer {
  return createHmac('sha256', keys.pseudonym).update(`${purpose}\0${text}`).digest();
}

function derive(secret: Buffer): KeySet {
  const subkey = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', `edgechat ${purpose}`, 32));
  return { access: createSecretKey(secret), refresh: subkey('refresh-token'), pseudonym: subkey('pseudonym') };
}
