import { Injectable } from '@nestjs/common';
import { accountId, sessionId, type SessionId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { encodeAccessToken } from '../domain/access-token.js';
import { NEW_ACCOUNT_DAYS, type Caller, type RegisteredAccount } from '../domain/account.js';
import {
  decodeRefreshToken,
  encodeRefreshToken,
  hashRefreshToken,
  type RefreshToken,
} from '../domain/refresh-token.js';
import { SigningKeys } from './signing-keys.js';

const ALGORITHM = 'HS256';
/** Tokens whose signature is remembered: a client sends one for 15 minutes, and to check it costs more than all else that is done for a request before its route. */
const REMEMBERED_MAX = 10_000;
const ACCOUNT_ID = /^[1-9][0-9]{0,15}$/;

/** A refresh token, and the hash that is stored of it. */
interface SignedToken {
  readonly text: string;
  readonly hash: Buffer;
}

/** A refresh token of ours: what it says, its hash, and what its session's next one would be. */
interface Succession {
  readonly token: RefreshToken;
  readonly hash: Buffer;
  readonly successor: SignedToken;
}

/** Makes and reads the tokens of sessions. Every call @throws Unavailable `postgres` while the signing secret cannot be read. */
@Injectable()
export class Tokens {
  private readonly remembered = new Map<string, { readonly caller: Caller; readonly expS: number }>();

  constructor(
    private readonly keys: SigningKeys,
    private readonly config: Config,
  ) {}

  /** A new access token: a JWT (HS256) with `sub`, `sid`, `type`, `iat`, `exp` and, while the account is new, `reg`; good for `JWT_ACCESS_EXPIRE_MINUTES` unless its session is revoked. */
  async access(account: RegisteredAccount, session: SessionId): Promise<string> {
    const { access } = await this.keys.get();
    const issuedAtS = Math.floor(Date.now() / 1_000);
    return encodeAccessToken(access, {
      accountId: account.accountId,
      sessionId: session,
      registeredAtS: whileNew(Math.floor(account.registeredAt.getTime() / 1_000), issuedAtS),
      issuedAtS,
      expiresAtS: issuedAtS + this.config.jwtAccessExpireMinutes * 60,
    });
  }

  /** Whom an access token speaks for that was read before and has not expired; null for any other. */
  known(token: string): Caller | null {
    const known = this.remembered.get(token);
    return known && known.expS > Math.floor(Date.now() / 1_000) ? known.caller : null;
  }

  /** Whom an access token speaks for; null when it is malformed, expired, of another type, or not ours. */
  async readAccess(token: string): Promise<Caller | null> {
    const known = this.known(token);
    if (known !== null) return known;

    const { access } = await this.keys.get();
    try {
      const { payload } = await jwtVerify(token, access, {
        algorithms: [ALGORITHM],
        requiredClaims: ['sub', 'sid', 'type', 'exp'],
      });
      const caller = callerOf(payload);
      if (caller !== null) this.remember(token, caller, payload.exp ?? 0);
      return caller;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  }

  /** The oldest is forgotten for a new one. */
  private remember(token: string, caller: Caller, expS: number): void {
    this.remembered.delete(token);
    this.remembered.set(token, { caller, expS });
    const [oldest] = this.remembered.keys();
    if (this.remembered.size > REMEMBERED_MAX && oldest !== undefined) this.remembered.delete(oldest);
  }

  /** The refresh token of a session's generation. The same input gives the same token. */
  async refresh(token: RefreshToken): Promise<SignedToken> {
    return signed((await this.keys.get()).refresh, token);
  }

  /** What a refresh token says; null when it is not ours. */
  async readRefresh(text: string): Promise<RefreshToken | null> {
    return decodeRefreshToken((await this.keys.get()).refresh, text);
  }

  /** A refresh token and the one that comes after it; null when it is not ours. */
  async successor(text: string): Promise<Succession | null> {
    const { refresh } = await this.keys.get();
    const token = decodeRefreshToken(refresh, text);
    return (
      token && {
        token,
        hash: hashRefreshToken(text),
        successor: signed(refresh, { sessionId: token.sessionId, generation: token.generation + 1 }),
      }
    );
  }
}

function signed(key: Buffer, token: RefreshToken): SignedToken {
  const text = encodeRefreshToken(key, token);
  return { text, hash: hashRefreshToken(text) };
}

function callerOf(payload: JWTPayload): Caller | null {
  const session = sessionId(payload.sid);
  if (payload.type !== 'access' || session === null || !ACCOUNT_ID.test(payload.sub ?? '')) return null;

  const [id, registeredAtS] = [Number(payload.sub), payload['reg'] ?? null];
  if (!Number.isSafeInteger(id) || !(registeredAtS === null || isInstant(registeredAtS))) return null;
  return { accountId: accountId(id), sessionId: session, registeredAtS };
}

const isInstant = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** When an account was made, if it is still new at `nowS`; else null. */
function whileNew(registeredAtS: number, nowS: number): number | null {
  return nowS - registeredAtS < NEW_ACCOUNT_DAYS * 86_400 ? registeredAtS : null;
}
