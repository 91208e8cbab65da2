import { randomUUID } from 'node:crypto';
import type { Client } from '@edgechat/testing';

/** What the calls of a test are about. */
export interface Scene {
  readonly client: Client;
  readonly conversation: string;
}

/** A call that takes a body: how it is called rightly, and which of its fields are what. A right call would be answered with `status`. */
export interface Input {
  readonly name: string;
  readonly method: 'POST' | 'PATCH';
  readonly path: (scene: Scene) => string;
  readonly body: (scene: Scene) => Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly fields: Readonly<Record<string, Field>>;
}

/** Characters a text may have; `optional` ones may be left out. */
export interface Field {
  readonly min: number;
  readonly max: number;
  readonly optional?: boolean;
  /** Wrong texts are told in another way than by naming the field. */
  readonly isAnyText?: boolean;
}

export const PASSWORD = 'correct horse battery';
const password = { min: 8, max: 1_024 };
const anyPassword = { min: 0, max: 1_024 };
const email = { min: 1, max: 254 };
const refresh_token = { min: 0, max: 4_096 };

/** Every call that takes a body. */
export const INPUTS: readonly Input[] = [
  { name: 'POST /auth/register', method: 'POST', path: () => '/auth/register', body: () => ({ email: `${randomUUID()}@example.com`, password: PASSWORD }), status: 201, fields: { email, password } },
  { name: 'POST /auth/login', method: 'POST', path: () => '/auth/login', body: ({ client }) => ({ email: client.email, password: PASSWORD }), status: 200, fields: { email, password: anyPassword } },
  { name: 'POST /auth/refresh', method: 'POST', path: () => '/auth/refresh', body: ({ client }) => ({ refresh_token: client.refreshToken }), status: 200, fields: { refresh_token } },
  { name: 'POST /auth/logout', method: 'POST', path: () => '/auth/logout', body: ({ client }) => ({ refresh_token: client.refreshToken }), status: 204, fields: { refresh_token } },
  { name: 'POST /auth/password', method: 'POST', path: () => '/auth/password', body: () => ({ old_password: PASSWORD, new_password: PASSWORD }), status: 204, fields: { old_password: anyPassword, new_password: password } },
  { name: 'PATCH /auth/me', method: 'PATCH', path: () => '/auth/me', body: () => ({ display_name: 'Ada' }), status: 200, fields: { display_name: { min: 1, max: 80 } } },
  { name: 'POST /ai/complete', method: 'POST', path: () => '/ai/complete', body: () => ({ prompt: 'hello' }), status: 200, fields: { prompt: { min: 1, max: 32_000 } } },
  { name: 'POST /chat/conversations', method: 'POST', path: () => '/chat/conversations', body: () => ({ title: 'A title', assistant: 'off' }), status: 201, fields: { title: { min: 1, max: 200, optional: true }, assistant: { min: 3, max: 7, optional: true }, kind: { min: 0, max: 9, optional: true, isAnyText: true } } },
  {
    name: 'POST /chat/conversations/{id}/messages',
    method: 'POST',
    path: ({ conversation }) => `/chat/conversations/${conversation}/messages`,
    body: () => ({ content: 'hello', client_id: randomUUID() }),
    status: 200,
    fields: { content: { min: 1, max: 32_000 }, client_id: { min: 1, max: 255, optional: true } },
  },
];

/** A wrong value, by what is wrong about it. */
export type Wrong = readonly [string, unknown];

const WRONG_TYPES: readonly Wrong[] = [
  ['a number', 5],
  ['true', true],
  ['a list', ['hello']],
  ['an empty list', []],
  ['an object', {}],
  ['{"$gt": ""}', { $gt: '' }],
  ['an object like a String', { length: 8, toString: 'x' }],
];

/** Values that a field can never have. */
export function wrongValues({ optional = false, isAnyText = false, ...size }: Field): readonly Wrong[] {
  const absent: readonly Wrong[] = [['missing', undefined], ['null', null]];
  return [...WRONG_TYPES, ...(optional ? [] : absent), ...(isAnyText ? [] : wrongTexts(size))];
}

function wrongTexts({ min, max }: Field): readonly Wrong[] {
  return [
    ...(min > 0 ? [['empty', ''] as const] : []),
    ['NUL', `user@example.com\0`],
    ['a lone high surrogate', `user@example.com\ud800`],
    ['a lone low surrogate', `\udc00user@example.com`],
    ['surrogates in the wrong order', `user\udc00\ud800@example.com`],
    [`${max + 1} characters`, 'x'.repeat(max + 1)],
    [`${max + 1} astral characters`, '𝒜'.repeat(max + 1)],
  ];
}

/** Every pair of a call's field and a value that it can never have. */
export const WRONG_FIELDS: readonly (readonly [string, string, string, Input, unknown])[] = INPUTS.flatMap((input) =>
  Object.entries(input.fields).flatMap(([field, rules]) => wrongValues(rules).map(([what, value]) => [input.name, field, what, input, value] as const)),
);
