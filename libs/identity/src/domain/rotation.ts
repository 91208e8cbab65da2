/** A session as it was found when a genuine refresh token did not work. */
export interface SessionState {
  /** Of the one refresh token that works. */
  readonly generation: number;
  /** Of that token. */
  readonly tokenHash: Buffer;
  readonly previousHash: Buffer | null;
  /** No access token of that generation was used. */
  readonly isUnused: boolean;
  readonly rotatedAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  /** The clock that wrote the instants above. */
  readonly now: Date;
}

/** Several refreshes with one token are the same client (two tabs) within this time, whatever it does with the answers. */
export const REPEAT_WITHIN_MS = 10_000;
/** A client whose answer was lost may repeat a refresh for this long. */
export const REPEAT_UNUSED_WITHIN_MS = 3_600_000;

/**
 * What a genuine refresh token that is not (or no longer) the session's working one means:
 * - `repeat`: the one just before, whose successor is unused. Within 10 s of its use, or within an hour as long as no access token was used that came with the successor:
 *   the client lost the answer, give it again;
 * - `reuse`: any other token used before: somebody has a copy, so the session ends (RFC 9700 §4.14.2);
 * - `refuse`: the session is over already, or knows nothing of this token (a restored backup); nothing changes.
 */
export function judgeUsedToken(
  session: SessionState,
  token: { generation: number; hash: Buffer },
): 'repeat' | 'reuse' | 'refuse' {
  if (session.revokedAt !== null || session.expiresAt <= session.now) return 'refuse';
  if (token.generation >= session.generation) return 'refuse';

  const isPrevious = token.generation === session.generation - 1 && session.previousHash?.equals(token.hash) === true;
  const ageMs = session.now.getTime() - session.rotatedAt.getTime();
  return isPrevious && ageMs <= (session.isUnused ? REPEAT_UNUSED_WITHIN_MS : REPEAT_WITHIN_MS) ? 'repeat' : 'reuse';
}
