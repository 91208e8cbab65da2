import { ApiProperty } from '@nestjs/swagger';
import type { OpenSession } from '@edgechat/identity';
import { instant, type SessionId } from '@edgechat/kernel';

export const SESSION_EXAMPLE = {
  id: '0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  created_at: '2026-11-24T08:00:00.000Z',
  last_used_at: '2026-11-26T17:45:12.345Z',
  expires_at: '2026-12-03T17:45:12.345Z',
  is_current: true,
};

export class SessionResponse {
  @ApiProperty({ example: SESSION_EXAMPLE.id, description: '`sid` of its access tokens. Opens nothing.' })
  readonly id!: string;
  @ApiProperty({ format: 'date-time', example: SESSION_EXAMPLE.created_at, description: 'The login.' })
  readonly created_at!: string;
  @ApiProperty({
    format: 'date-time',
    example: SESSION_EXAMPLE.last_used_at,
    description:
      'The last login or refresh, or the first use of the access token that it gave. Later uses of the same token are not noted: ' +
      'the last request was at most the life of an access token (by default 15 minutes) later.',
  })
  readonly last_used_at!: string;
  @ApiProperty({
    format: 'date-time',
    example: SESSION_EXAMPLE.expires_at,
    description:
      'When it ends unless it is refreshed. Refreshes move this on, but not beyond SESSION_MAX_DAYS (by default 365) after `created_at`.',
  })
  readonly expires_at!: string;
  @ApiProperty({ example: SESSION_EXAMPLE.is_current, description: 'The session of the access token of this call.' })
  readonly is_current!: boolean;
}

export class SessionsResponse {
  @ApiProperty({ type: [SessionResponse] }) readonly sessions!: SessionResponse[];
}

export function sessionResponse(session: OpenSession, current: SessionId): SessionResponse {
  return {
    id: session.id,
    created_at: instant(session.createdAt),
    last_used_at: instant(session.lastUsedAt),
    expires_at: instant(session.expiresAt),
    is_current: session.id === current,
  };
}
