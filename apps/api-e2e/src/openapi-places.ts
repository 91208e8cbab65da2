import type { Answer } from '@edgechat/testing';

/** An answer of the running system, and the operation it came from. */
export interface Seen {
  readonly operation: string;
  readonly answer: Answer;
}

/** What stands in the path's braces, and behind the path. */
export interface Place {
  readonly id?: string;
  readonly account_id?: number | string;
  readonly seq?: number;
  readonly query?: string;
}

/** A path with something in each of its braces. */
export const filled = (path: string, { id = 'x', account_id = 'me', seq = 1 }: Place = {}): string =>
  path.replace('{id}', id).replace('{account_id}', String(account_id)).replace('{seq}', String(seq));

export const SESSIONS = '/api/v1/auth/sessions';
export const CONVERSATIONS = '/api/v1/chat/conversations';
export const MESSAGES = `${CONVERSATIONS}/{id}/messages`;
export const CONVERSATION = `${CONVERSATIONS}/{id}`;
export const MEMBERS = `${CONVERSATION}/members`;
export const MEMBER = `${MEMBERS}/{account_id}`;
export const WITH_BODY = [
  `patch ${CONVERSATION}`,
  `put ${CONVERSATION}/read`,
  `post ${MEMBERS}`,
  `patch ${MEMBER}`,
  'post /api/v1/auth/register',
  'post /api/v1/auth/login',
  'post /api/v1/auth/refresh',
  'post /api/v1/auth/logout',
  'post /api/v1/auth/password',
  'patch /api/v1/auth/me',
  'post /api/v1/ai/complete',
  `post ${CONVERSATIONS}`,
  `post ${MESSAGES}`,
];
export const HEALTH = ['', '/started', '/ready', '/db', '/mongo'].map((path) => `get /api/v1/health${path}`);
