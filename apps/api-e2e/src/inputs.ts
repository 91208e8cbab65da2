import { randomUUID } from 'node:crypto';
import type { Client } from '@edgechat/testing';

/** What the calls of a test are about: the caller, what it owns, and who else is there. */
export interface Scene {
  readonly client: Client;
  /** The caller's alone. */
  readonly conversation: string;
  /** The caller's and the other's. */
  readonly group: string;
  readonly other: number;
}

/** A call that takes a body: how it is called rightly, and which of its fields are what. A right call would be answered with `status`. */
export interface Input {
  readonly name: string;
  readonly method: 'POST' | 'PATCH' | 'PUT';
  readonly path: (scene: Scene) => string;
  readonly body: (scene: Scene) => Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly fields: Readonly<Record<string, Field>>;
}

/** A field, which may be left out if it is `optional`: a text with so many characters, a list with so many items, or a whole number not below `min`. */
export interface Field {
  readonly type?: 'text' | 'list' | 'integer';
  readonly min: number;
  readonly max: number;
  readonly optional?: boolean;
}

export const PASSWORD = 'correct horse battery';
const password = { min: 8, max: 1_024 };
const anyPassword = { min: 0, max: 1_024 };
const email = { min: 1, max: 254 };
/** One of a few words: no text of any length is right but those. */
const choice = { min: 1, max: 9 };
const refresh_token = { min: 0, max: 4_096 };

/** Every call that takes a body. */
export const INPUTS: readonly Input[] = [
  {
    name: 'POST /auth/register',
    method: 'POST',
    path: () => '/auth/register',
    body: () => ({ email: `${randomUUID()}@example.com`, password: PASSWORD }),
    status: 201,
    fields: { email, password },
  },
  {
    name: 'POST /auth/login',
    method: 'POST',
    path: () => '/auth/login',
    body: ({ client }) => ({ email: client.email, password: PASSWORD }),
    status: 200,
    fields: { email, password: anyPassword },
  },
  {
    name: 'POST /auth/refresh',
    method: 'POST',
    path: () => '/auth/refresh',
    body: ({ client }) => ({ refresh_token: client.refreshToken }),
    status: 200,
    fields: { refresh_token },
  },
  {
    name: 'POST /auth/logout',
    method: 'POST',
    path: () => '/auth/logout',
    body: ({ client }) => ({ refresh_token: client.refreshToken }),
    status: 204,
    fields: { refresh_token },
  },
  {
    name: 'POST /auth/password',
    method: 'POST',
    path: () => '/auth/password',
    body: () => ({ old_password: PASSWORD, new_password: PASSWORD }),
    status: 204,
    fields: { old_password: anyPassword, new_password: password },
  },
  {
    name: 'PATCH /auth/me',
    method: 'PATCH',
    path: () => '/auth/me',
    body: () => ({ display_name: 'Ada' }),
    status: 200,
    fields: { display_name: { min: 1, max: 80 } },
  },
  {
    name: 'POST /ai/complete',
    method: 'POST',
    path: () => '/ai/complete',
    body: () => ({ prompt: 'hello' }),
    status: 200,
    fields: { prompt: { min: 1, max: 32_000 } },
  },
  {
    name: 'POST /chat/conversations',
    method: 'POST',
    path: () => '/chat/conversations',
    body: ({ other }) => ({ kind: 'group', title: 'A title', member_ids: [other], assistant: 'off' }),
    status: 201,
    fields: {
      kind: { ...choice, optional: true },
      title: { min: 1, max: 200, optional: true },
      member_ids: { type: 'list', min: 0, max: 1_000, optional: true },
      assistant: { ...choice, optional: true },
    },
  },
  {
    name: 'PATCH /chat/conversations/{id}',
    method: 'PATCH',
    path: ({ group }) => `/chat/conversations/${group}`,
    body: () => ({ title: 'Another title', assistant: 'off' }),
    status: 200,
    fields: { title: { min: 1, max: 200, optional: true }, assistant: { ...choice, optional: true } },
  },
  {
    name: 'PUT /chat/conversations/{id}/read',
    method: 'PUT',
    path: ({ group }) => `/chat/conversations/${group}/read`,
    body: () => ({ seq: 1 }),
    status: 200,
    fields: { seq: { type: 'integer', min: 0, max: Infinity } },
  },
  {
    name: 'POST /chat/conversations/{id}/members',
    method: 'POST',
    path: ({ group }) => `/chat/conversations/${group}/members`,
    body: ({ other }) => ({ account_ids: [other] }),
    status: 200,
    fields: { account_ids: { type: 'list', min: 1, max: 1_000 } },
  },
  {
    name: 'PATCH /chat/conversations/{id}/members/{account_id}',
    method: 'PATCH',
    path: ({ group, other }) => `/chat/conversations/${group}/members/${other}`,
    body: () => ({ role: 'admin' }),
    status: 200,
    fields: { role: choice },
  },
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

const NO_TEXTS: readonly Wrong[] = [
  ['a number', 5],
  ['true', true],
  ['a list', ['hello']],
  ['an empty list', []],
  ['an object', {}],
  ['{"$gt": ""}', { $gt: '' }],
  ['an object like a String', { length: 8, toString: 'x' }],
];
const NO_LISTS: readonly Wrong[] = [
  ['a number', 5],
  ['a text', '5'],
  ['true', true],
  ['an object', {}],
  ['an object like a list', { length: 1, 0: 1 }],
];
const NO_INTEGERS: readonly Wrong[] = [
  ['a text', '5'],
  ['an empty text', ''],
  ['true', true],
  ['a fraction', 0.5],
  ['a list', [5]],
  ['an object', { $gt: 0 }],
];

/** Values that a field can never have. */
export function wrongValues(field: Field): readonly Wrong[] {
  const absent: readonly Wrong[] = [
    ['missing', undefined],
    ['null', null],
  ];
  return [...WRONG_OF[field.type ?? 'text'](field), ...(field.optional ? [] : absent)];
}

const WRONG_OF: Readonly<Record<NonNullable<Field['type']>, (field: Field) => readonly Wrong[]>> = {
  text: (field) => [...NO_TEXTS, ...wrongTexts(field)],
  list: ({ min, max }) => [
    ...NO_LISTS,
    ...(min > 0 ? [['empty', []] as const] : []),
    [`${max + 1} items`, Array.from({ length: max + 1 }, (_, n) => n + 1)],
    ['9,000 lists', Array(9_000).fill([])],
  ],
  integer: ({ min }) => [...NO_INTEGERS, [`${min - 1}`, min - 1], ['-1e300', -1e300]],
};

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
  Object.entries(input.fields).flatMap(([field, rules]) =>
    wrongValues(rules).map(([what, value]) => [input.name, field, what, input, value] as const),
  ),
);
