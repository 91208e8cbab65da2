import { ApiProperty } from '@nestjs/swagger';
import { instant } from '@edgechat/kernel';
import type { Account, FoundAccount, TokenPair } from '@edgechat/identity';
import { ACCOUNT_ID } from '../docs/describe.js';

export const TOKENS_EXAMPLE = {
  access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJ0eXBlIjoiYWNjZXNzIiwic3ViIjoiNyJ9.c2lnbmF0dXJl',
  refresh_token: 'AZOhssPUfl-KmwwdLj9PSgAAAAGfPqk3mB0eN5v8q1Zc4yXWc2b7Jt6LwR9uKpEoTfMhDg',
  token_type: 'bearer',
} as const;

export const ACCOUNT_EXAMPLE = {
  id: 6_204_153_389_513_871,
  sub: '6204153389513871',
  email: 'ada@example.com',
  display_name: 'User 6204153389513871',
  created_at: '2026-11-24T08:00:00.000Z',
};

export class TokensResponse {
  @ApiProperty({
    example: TOKENS_EXAMPLE.access_token,
    description: 'Send it as `Authorization: Bearer <access_token>`; good for JWT_ACCESS_EXPIRE_MINUTES (15).',
  })
  readonly access_token!: string;

  @ApiProperty({
    example: TOKENS_EXAMPLE.refresh_token,
    description: 'Opaque; works once, within JWT_REFRESH_EXPIRE_DAYS (7).',
  })
  readonly refresh_token!: string;

  @ApiProperty({ enum: ['bearer'], example: 'bearer' }) readonly token_type!: 'bearer';
}

export class AccountResponse {
  @ApiProperty({ ...ACCOUNT_ID, example: ACCOUNT_EXAMPLE.id }) readonly id!: number;
  @ApiProperty({ example: ACCOUNT_EXAMPLE.sub, description: 'The id as a decimal string, as in the access token.' })
  readonly sub!: string;
  @ApiProperty({ example: ACCOUNT_EXAMPLE.email, description: 'As it was given.' }) readonly email!: string;
  @ApiProperty({ example: ACCOUNT_EXAMPLE.display_name, description: '`User <id>` until it is set.' })
  readonly display_name!: string;
  @ApiProperty({ format: 'date-time', example: ACCOUNT_EXAMPLE.created_at }) readonly created_at!: string;
}

export const FOUND_EXAMPLE = { id: 3_381_204_887_196_402, display_name: 'Grace' };

/** An account as others see it. */
export class FoundAccountResponse {
  @ApiProperty({ ...ACCOUNT_ID, example: FOUND_EXAMPLE.id }) readonly id!: number;
  @ApiProperty({ example: FOUND_EXAMPLE.display_name }) readonly display_name!: string;
}

export class AccountsResponse {
  @ApiProperty({ type: [FoundAccountResponse], description: 'None or one.' })
  readonly accounts!: FoundAccountResponse[];
}

export function tokensResponse(tokens: TokenPair): TokensResponse {
  return { access_token: tokens.accessToken, refresh_token: tokens.refreshToken, token_type: 'bearer' };
}

export function accountResponse(account: Account): AccountResponse {
  return {
    id: account.id,
    sub: String(account.id),
    email: account.email,
    display_name: account.displayName,
    created_at: instant(account.createdAt),
  };
}

export function foundAccountResponse(account: FoundAccount): FoundAccountResponse {
  return { id: account.id, display_name: account.displayName };
}
