/** A session as it was found when a genuine refresh token did not work. */
export interface SessionState {
  /** Of the one refresh token that works. */
  readonly generation: number;
  readonly previousHash: Buffer | null;
  readonly rotatedAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  /** The clock that wrote the instants above. */
  readonly now: Date;
}

/** A client whose answer was lost may repeat a refresh for this long. */
export const REPEAT_WITHIN_MS = 10_000;

/**
 * What a genuine refresh token that is not (or no longer) the session's working one means:
 * - `repeat`: the one just before, at most 10 s after its use, and its successor is itself unused: the client lost the answer, give it again;
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
  return isPrevious && ageMs <= REPEAT_WITHIN_MS ? 'repeat' : 'reuse';
}
