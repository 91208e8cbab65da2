import type { Answer } from '@edgechat/testing';

/** The headers that belong to a status, whatever the call. */
const HEADERS_OF: Readonly<Record<number, Readonly<Record<string, RegExp>>>> = {
  401: { 'www-authenticate': /^Bearer$/ },
  405: { allow: /^[A-Z]+(, [A-Z]+)*$/ },
  429: { 'retry-after': /^[1-9][0-9]*$/ },
  503: { 'retry-after': /^[1-9][0-9]*$/ },
};

/** The codes whose problem document lists the fields that are wrong. */
const NAMES_FIELDS = ['validation_failed', 'unknown_account', 'password_too_common'];

/** Codes that a repeat does not change: nobody is told when to come back. */
export const FINAL_CODES: readonly string[] = ['ai_refused', 'ai_input_too_long'];

/** Holds an answer to the form that all errors have, to the last field, and to the headers of its status. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  const { errors, user_message: _kept, ...body } = answer.body;
  expect([answer.status, body['code'], answer.headers.get('content-type')]).toEqual([
    status,
    code,
    'application/problem+json',
  ]);
  expect(body).toEqual({
    type: `/errors#${code}`,
    title: expect.stringMatching(/^[A-Z].+/),
    status,
    detail: expect.stringMatching(/^\S.{9,}/),
    code,
    request_id: answer.headers.get('x-request-id'),
    instance: expect.stringMatching(/^\/[^?]*$/),
  });
  expect(Array.isArray(errors)).toBe(NAMES_FIELDS.includes(code));
  const isFinal = FINAL_CODES.includes(code);
  for (const [name, value] of Object.entries(HEADERS_OF[status] ?? {}))
    expect([name, answer.headers.get(name)]).toEqual([name, isFinal ? null : expect.stringMatching(value)]);
}

/** Holds an answer to 422 with exactly these wrong fields, each with a code and a sentence, and a `detail` that says the first. */
export function expectWrongFields(answer: Answer, fields: readonly string[]): void {
  expectProblem(answer, 422, 'validation_failed');
  const errors = answer.body['errors'] as { field: string; code: string; detail: string }[];
  expect(errors.map(({ field }) => field)).toEqual(fields);
  for (const error of errors)
    expect(error).toEqual({
      field: expect.any(String),
      code: expect.stringMatching(/^[a-z_]+$/),
      detail: expect.stringMatching(/^.{10,}\.$/),
    });
  expect(answer.body['detail']).toContain(errors[0]?.detail);
}

export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Makes calls one after the other, and gives their answers in that order. */
export async function oneByOne(calls: readonly (() => Promise<Answer>)[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const call of calls) answers.push(await call());
  return answers;
}
