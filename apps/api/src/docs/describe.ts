import { HttpCode, applyDecorators, type Type } from '@nestjs/common';
import { ApiExtension, ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { ErrorCode } from '@edgechat/kernel';

/** A code a call may answer with, and the members its problem document has besides the usual ones; `completeDocument` turns it into a response. */
export class DescribedRefusal {
  constructor(
    readonly code: ErrorCode,
    readonly members: Readonly<Record<string, unknown>>,
  ) {}
}

/** An account's id in the document. Of code that is made from it, some would keep an `integer` without a format in 32 bits. */
export const ACCOUNT_ID = {
  type: 'integer',
  format: 'int64',
  description: 'A whole number that may need 53 bits.',
} as const;

interface Answer<Body> {
  readonly example: Body;
  readonly description: string;
  /** Headers that this answer always has, each with what it says. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Describes a body that a call answers with. The answer with a status below 300 that stands first is also the one it gives by default,
 * so that the document and the code cannot differ.
 */
export function Answers<Body extends object>(status: number, type: Type<Body>, answer: Answer<Body>): MethodDecorator {
  const content = { 'application/json': { schema: { $ref: getSchemaPath(type) }, example: answer.example } };
  return applyDecorators(
    ApiExtraModels(type),
    ApiResponse({ status, description: answer.description, content, headers: headersOf(answer) }),
    ...(status < 300 ? [HttpCode(status)] : []),
  );
}

function headersOf({
  headers = {},
}: Answer<object>): Record<string, { description: string; required: true; schema: { type: 'string' } }> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [
      name,
      { description, required: true, schema: { type: 'string' } },
    ]),
  );
}

/** Describes an answer without a body, such as 204. */
export function AnswersNothing(status: number, description: string): MethodDecorator {
  return applyDecorators(ApiResponse({ status, description }), HttpCode(status));
}

/**
 * Names the error codes of a call beyond those that every call of its sort has (no or bad token, limits, broken requests, bugs).
 */
export function Refuses(...codes: ErrorCode[]): MethodDecorator {
  return RefusesWith({}, ...codes);
}

/** Like `Refuses`, for codes whose problem document has `members` besides, such as the kept `user_message`. */
export function RefusesWith(members: Readonly<Record<string, unknown>>, ...codes: ErrorCode[]): MethodDecorator {
  // One mark per decorator: marks of the same name would replace each other.
  return applyDecorators(
    ...codes.map((code): MethodDecorator => ApiExtension(`x-refusal-${code}`, new DescribedRefusal(code, members))),
  );
}
