import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import {
  DISPLAY_NAME_MAX_CHARACTERS,
  EMAIL_MAX_CHARACTERS,
  INVITE_CODE_MAX_CHARACTERS,
  parseEmail,
  PASSWORD_MAX_CHARACTERS,
  PASSWORD_MIN_CHARACTERS,
  type Email,
} from '@edgechat/identity';
import { IsName } from '../http/is-name.js';
import { invalid, IsStoredText, judgeText, Rule, type Verdict } from '../http/validation.js';

const REFRESH_TOKEN_MAX_CHARACTERS = 4_096;
const NO_ADDRESS: Verdict = {
  code: 'not_an_email_address',
  detail: 'must be an e-mail address, such as ada@example.com',
};
const TOKEN_EXAMPLE = 'AZOhssPUfl-KmwwdLj9PSgAAAAGfPqk3mB0eN5v8q1Zc4yXWc2b7Jt6LwR9uKpEoTfMhDg';

function judgeEmail(value: unknown): Verdict | null {
  return (
    judgeText(value, 1, EMAIL_MAX_CHARACTERS) ??
    (typeof value === 'string' && parseEmail(value) !== null ? null : NO_ADDRESS)
  );
}

/** In a query a `+` is a blank, so that an address with one has to be encoded. */
function judgeEmailInQuery(value: unknown): Verdict | null {
  const verdict = judgeEmail(value);
  const isUnencoded =
    verdict === NO_ADDRESS && typeof value === 'string' && judgeEmail(value.replaceAll(' ', '+')) === null;
  return isUnencoded ? { ...NO_ADDRESS, detail: `${NO_ADDRESS.detail}; in a URL the sign + is written %2B` } : verdict;
}

const IsEmailAddress = (judge = judgeEmail): PropertyDecorator =>
  applyDecorators(
    Rule('emailAddress', judge),
    ApiProperty({
      type: 'string',
      format: 'idn-email',
      maxLength: EMAIL_MAX_CHARACTERS,
      example: 'ada@example.com',
      description: 'Compared without case, in every spelling of its domain.',
    }),
  );

/** The address of a body or query that was validated. @throws Refusal `validation_failed` for what is none */
export function emailOf(body: { readonly email: string }): Email {
  const email = parseEmail(body.email);
  if (email === null) throw invalid('email', NO_ADDRESS.code, NO_ADDRESS.detail);
  return email;
}

export class RegisterRequest {
  @IsEmailAddress() readonly email!: string;
  @IsStoredText(PASSWORD_MIN_CHARACTERS, PASSWORD_MAX_CHARACTERS, {
    example: 'correct horse battery',
    description: 'Every character counts. Not one that anybody guesses first (`password_too_common`).',
  })
  readonly password!: string;

  @IsOptional()
  @IsStoredText(0, INVITE_CODE_MAX_CHARACTERS, {
    required: false,
    nullable: true,
    example: '7H2K-9QWD-M4XT-0RVA-8ZJC-1NPE-6B3Y',
    description: 'A code that the operator made, where REGISTRATION is invite; ignored where everybody may register.',
  })
  readonly invite_code?: string | null;
}

/** Any password may be tried: the first backend took short ones. */
export class LoginRequest {
  @IsEmailAddress() readonly email!: string;
  @IsStoredText(0, PASSWORD_MAX_CHARACTERS, { example: 'correct horse battery' }) readonly password!: string;
}

export class RefreshTokenRequest {
  @IsStoredText(0, REFRESH_TOKEN_MAX_CHARACTERS, { example: TOKEN_EXAMPLE }) readonly refresh_token!: string;
}

export class PasswordRequest {
  @IsStoredText(0, PASSWORD_MAX_CHARACTERS, { example: 'correct horse battery' }) readonly old_password!: string;
  @IsStoredText(PASSWORD_MIN_CHARACTERS, PASSWORD_MAX_CHARACTERS, {
    example: 'staple correct horse',
    description: 'Every character counts. Not one that anybody guesses first (`password_too_common`).',
  })
  readonly new_password!: string;
}

/** Whose account is looked for. */
export class AccountsQuery {
  @IsEmailAddress(judgeEmailInQuery) readonly email!: string;
}

export class ProfileRequest {
  @IsName(DISPLAY_NAME_MAX_CHARACTERS, { example: 'Ada' }) readonly display_name!: string;
}
