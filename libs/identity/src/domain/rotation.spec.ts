import { judgeUsedToken, type SessionState } from './rotation.js';

const now = new Date('2026-11-24T08:00:00.000Z');
const before = (ms: number): Date => new Date(now.getTime() - ms);
const hash = Buffer.from('the hash of generation 4');

const aSession = (differences: Partial<SessionState> = {}): SessionState => ({
  generation: 5,
  tokenHash: Buffer.from('the hash of generation 5'),
  isUnused: false,
  previousHash: hash,
  rotatedAt: before(1_000),
  expiresAt: before(-86_400_000),
  revokedAt: null,
  now,
  ...differences,
});

describe('a refresh token that was used before', () => {
  it('may be repeated for 10 s by a client whose answer was lost', () => {
    expect(judgeUsedToken(aSession(), { generation: 4, hash })).toBe('repeat');
    expect(judgeUsedToken(aSession({ rotatedAt: before(10_000) }), { generation: 4, hash })).toBe('repeat');
  });

  it('is a reuse after 10 s, when an access token was used that came with its successor', () => {
    expect(judgeUsedToken(aSession({ rotatedAt: before(10_001) }), { generation: 4, hash })).toBe('reuse');
  });

  it('may be repeated for an hour as long as none was used', () => {
    const since = (ms: number): SessionState => aSession({ isUnused: true, rotatedAt: before(ms) });

    expect(judgeUsedToken(since(10_001), { generation: 4, hash })).toBe('repeat');
    expect(judgeUsedToken(since(3_600_000), { generation: 4, hash })).toBe('repeat');
    expect(judgeUsedToken(since(3_600_001), { generation: 4, hash })).toBe('reuse');
  });

  it('is a reuse once its successor was used', () => {
    expect(
      judgeUsedToken(aSession({ generation: 6, isUnused: true, previousHash: Buffer.from('of generation 5') }), {
        generation: 4,
        hash,
      }),
    ).toBe('reuse');
  });

  it('is a reuse when it is not the one that was exchanged', () => {
    expect(
      judgeUsedToken(aSession({ isUnused: true, previousHash: Buffer.from('another') }), { generation: 4, hash }),
    ).toBe('reuse');
  });

  it('changes nothing when the session is over already', () => {
    expect(judgeUsedToken(aSession({ revokedAt: before(1) }), { generation: 4, hash })).toBe('refuse');
    expect(judgeUsedToken(aSession({ expiresAt: now }), { generation: 4, hash })).toBe('refuse');
  });

  it('changes nothing when the session knows nothing of it, as after a restored backup', () => {
    expect(judgeUsedToken(aSession(), { generation: 5, hash })).toBe('refuse');
    expect(judgeUsedToken(aSession(), { generation: 6, hash })).toBe('refuse');
  });
});
