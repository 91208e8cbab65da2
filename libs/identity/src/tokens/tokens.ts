import { hash, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { setNewest, type SessionId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { errors, jwtVerify } from 'jose';
import {
  ACCESS_TOKEN_MAX_CHARACTERS,
  canBeAccessToken,
  encodeAccessToken,
  readAccessClaims,
  type AccessClaims,
} from '../domain/access-token.js';
import { NEW_ACCOUNT_DAYS, type Caller, type RegisteredAccount } from '../domain/account.js';
import {
  decodeRefreshToken,
  encodeRefreshToken,
  hashRefreshToken,
  type RefreshToken,
} from '../domain/refresh-token.js';
import { SigningKeys, type Keys, type KeySet } from './signing-keys.js';

const ALGORITHM = 'HS256';
/** Tokens whose signature is remembered: a client sends one for 15 minutes, and to check it costs more than all else that is done for a request before its route. */
const REMEMBERED_MAX = 10_000;

/** A refresh token, and the hash that is stored of it. */
interface SignedToken {
  readonly text: string;
  readonly hash: Buffer;
}

/** What an access token says that was verified. */
export interface ReadToken {
  readonly caller: Caller;
  /** Of the refresh token that was handed out with it; null in a token of the release before. */
  readonly generation: number | null;
}

/** The session that an access token is made for. */
export interface TokenSession {
  readonly id: SessionId;
  readonly generation: number;
  readonly expiresAt: Date;
}

/** Makes and reads the tokens of sessions. Every call @throws Unavailable `postgres` while the signing secret cannot be read. */
@Injectable()
export class Tokens {
  /** SHA-256 of a token → what it says. Who reads the memory of the process cannot use it. */
  private readonly remembered = new Map<string, ReadToken & { readonly expiresAtS: number }>();

  constructor(
    private readonly keys: SigningKeys,
    private readonly config: Config,
  ) {}

  /**
   * A new access token: a JWT (HS256, RFC 9068) with `iss`, `aud`, `sub`, `sid`, `gen`, `type`, `iat`, `exp` and, while the account is new, `reg`.
   * Good for `JWT_ACCESS_EXPIRE_MINUTES` unless its session ends before.
   */
  async access(account: RegisteredAccount, session: TokenSession): Promise<string> {
    const { access } = await this.keys.get();
    const issuedAtS = Math.floor(Date.now() / 1_000);
    const sessionEndsAtS = Math.floor(session.expiresAt.getTime() / 1_000);
    return encodeAccessToken(access, {
      accountId: account.accountId,
      sessionId: session.id,
      generation: session.generation,
      registeredAtS: whileNew(Math.floor(account.registeredAt.getTime() / 1_000), issuedAtS),
      issuedAtS,
      expiresAtS: Math.min(issuedAtS + this.config.jwtAccessExpireMinutes * 60, sessionEndsAtS),
    });
  }

  /** What an access token says that was read before and has not expired; null for any other. */
  known(token: string): ReadToken | null {
    if (token.length > ACCESS_TOKEN_MAX_CHARACTERS) return null;
    const known = this.remembered.get(nameOf(token));
    return known !== undefined && known.expiresAtS > Math.floor(Date.now() / 1_000) ? known : null;
  }

  /** What an access token says; null when it is malformed, expired, of another type, or not ours. */
  async readAccess(token: string): Promise<ReadToken | null> {
    const known = this.known(token);
    if (known !== null) return known;
    if (!canBeAccessToken(token)) return null;

    for (const { access } of acceptedOf(await this.keys.get())) {
      const claims = await verify(token, access);
      if (claims !== null) return this.remember(token, claims);
    }
    return null;
  }

  /** The oldest is forgotten for a new one. */
  private remember(token: string, { generation, expiresAtS, ...caller }: AccessClaims): ReadToken {
    const [name, read] = [nameOf(token), { caller, generation, expiresAtS }];
    setNewest(this.remembered, name, read, REMEMBERED_MAX);
    return read;
  }

  /** The refresh token of a session's generation. The same input gives the same token. */
  async refresh(token: RefreshToken): Promise<SignedToken> {
    return signed(await this.keys.get(), token);
  }

  /** The same token as each accepted secret signs it: the one that is signed now, and then the one that was signed before the secret was replaced. */
  async refreshByEach(token: RefreshToken): Promise<readonly [SignedToken, ...SignedToken[]]> {
    const keys = await this.keys.get();
    return [signed(keys, token), ...(keys.previous === null ? [] : [signed(keys.previous, token)])];
  }

  /** What a refresh token says; null when it is not ours. */
  async readRefresh(text: string): Promise<RefreshToken | null> {
    for (const { refresh } of acceptedOf(await this.keys.get())) {
      const token = decodeRefreshToken(refresh, text);
      if (token !== null) return token;
    }
    return null;
  }
}

const nameOf = (token: string): string => hash('sha256', token, 'base64url');

const acceptedOf = (keys: Keys): readonly KeySet[] => (keys.previous === null ? [keys] : [keys, keys.previous]);

function signed({ refresh }: KeySet, token: RefreshToken): SignedToken {
  const text = encodeRefreshToken(refresh, token);
  return { text, hash: hashRefreshToken(text) };
}

async function verify(token: string, key: KeyObject): Promise<AccessClaims | null> {
  try {
    const { protectedHeader, payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      requiredClaims: ['sub', 'sid', 'type', 'exp'],
    });
    return readAccessClaims({ ...protectedHeader }, payload);
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}

/** When an account was made, if it is still new at `nowS`; else null. */
function whileNew(registeredAtS: number, nowS: number): number | null {
  return nowS - registeredAtS < NEW_ACCOUNT_DAYS * 86_400 ? registeredAtS : null;
}
