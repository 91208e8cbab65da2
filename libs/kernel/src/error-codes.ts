/** What there is to say of a code. */
export interface ErrorRow {
  readonly status: number;
  readonly title: string;
  /** Sentences for people. */
  readonly help: string;
  /** By call, where it is another status there. */
  readonly statusAt?: Readonly<Record<string, number>>;
  /** The same request gets the same answer again: its 503 has no `Retry-After`. */
  readonly isFinal?: true;
}

/**
 * Every code a client can meet, in one table: HTTP status, title, and what to do about it. `docs/errors.md` and the page `/errors` are made from it.
 * A code is stable: clients branch on it.
 */
export const ERRORS = {
  malformed_request: {
    status: 400,
    title: 'Malformed request',
    help: 'The request could not be read: broken JSON, broken UTF-8, nesting deeper than 32, more than 10,000 values, a broken URL, or a header given twice that may be there once. Mend the request.',
  },
  email_taken: {
    status: 400,
    title: 'Email already registered',
    help: 'An account with this e-mail address exists. Log in instead.',
  },
  unauthorized: {
    status: 401,
    title: 'Not authenticated',
    help: 'Send `Authorization: Bearer <access_token>` with a valid access token. Get a new one from `POST /auth/refresh` or `POST /auth/login`.',
  },
  bad_credentials: {
    status: 401,
    title: 'Invalid email or password',
    help: 'No account has this e-mail address and password.',
  },
  bad_refresh_token: {
    status: 401,
    title: 'Invalid or expired refresh token',
    help: 'The refresh token is unknown, expired, used before, or its session has ended. Log in again.',
  },
  wrong_password: { status: 403, title: 'Wrong password', help: 'The old password is not right. Nothing was changed.' },
  registration_closed: {
    status: 403,
    title: 'Registration closed',
    help: 'The operator of this server lets nobody make an account. Ask them; who has an account logs in.',
  },
  invite_required: {
    status: 403,
    title: 'Invite required',
    help: 'An account is made by invitation here. Ask the operator of this server for a code, and send it as `invite_code`.',
  },
  invite_invalid: {
    status: 403,
    title: 'Invite invalid',
    help: 'The `invite_code` is unknown, used up or expired. Mend it, or ask for another one.',
  },
  account_locked: {
    status: 403,
    title: 'Account locked',
    help: 'The password is right, but the operator of this server has locked the account. Ask them.',
  },
  not_allowed: {
    status: 403,
    title: 'Not allowed',
    help: 'You are a member of this conversation, but your role does not allow this. Ask its owner, or one of its admins.',
  },
  owner_not_removable: {
    status: 403,
    title: 'Owner not removable',
    help: 'Nobody removes the owner of a group. Only the owner leaves, or gives ownership to another member.',
  },
  route_not_found: {
    status: 404,
    title: 'Not found',
    help: 'There is no such path. The documentation (`/docs`, unless it is switched off) names those there are.',
  },
  conversation_not_found: {
    status: 404,
    title: 'Conversation not found',
    help: 'There is no such conversation, or you are not a member of it.',
  },
  message_not_found: {
    status: 404,
    title: 'Message not found',
    help: 'The conversation has no message with this `seq`. They go from 1 to its `last_seq`.',
  },
  member_not_found: {
    status: 404,
    title: 'Member not found',
    help: 'No such account is a member of this conversation.',
  },
  session_not_found: {
    status: 404,
    title: 'Session not found',
    help: 'You have no such session, or it has ended. `GET /auth/sessions` lists those that are open.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    help: 'The path exists, but not for this method. The header `Allow` names those it has.',
  },
  groups_only: {
    status: 409,
    title: 'Groups only',
    help: 'Only a group takes other members and gives roles. Make a conversation of kind `group`.',
  },
  direct_stays: {
    status: 409,
    title: 'Direct conversations stay',
    help: 'Nobody leaves a direct conversation. Delete it, which ends it for both.',
  },
  owner_must_stay: {
    status: 409,
    title: 'Owner must stay',
    help: 'A conversation always has an owner. Give ownership to another member instead of laying it down.',
  },
  group_full: { status: 409, title: 'Group full', help: 'A group has at most 10,000 members. Nobody was added.' },
  too_many_large_groups: {
    status: 409,
    title: 'Too many large groups',
    help: 'An account is in at most 500 large conversations, and in at most 100 of people in whose conversations it never wrote. It has to leave one of them first, or to write to who adds it.',
  },
  body_too_large: {
    status: 413,
    title: 'Body too large',
    help: 'The body has more bytes than this call takes: 512 KiB for messages and prompts, 64 KiB for conversations and members, 32 KiB for others.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    help: 'Send `Content-Type: application/json` in UTF-8, without `Content-Encoding`.',
  },
  validation_failed: {
    status: 422,
    title: 'Validation failed',
    help: '`errors` lists each field that is wrong, as a JSON pointer, and why. Mend the fields named.',
  },
  password_too_common: {
    status: 422,
    title: 'Password too common',
    help: 'The password is among the first that anybody guesses: one of the 10,000 most common, one character repeated, or the name of the service or the e-mail address. Nothing was made or changed. Let the person choose another, such as four words that do not belong together.',
  },
  query_without_words: {
    status: 422,
    title: 'Query without words',
    help: 'Signs only part words. Search for at least one letter or digit.',
  },
  query_too_complex: {
    status: 422,
    title: 'Query too complex',
    help: 'A query has at most 8 stretches of scripts that are written without spaces. Search for fewer of them.',
  },
  unknown_account: {
    status: 422,
    title: 'Unknown account',
    help: 'The list names an account that does not exist. Nothing was made or changed.',
  },
  direct_needs_one_other: {
    status: 422,
    title: 'Direct needs one other',
    help: 'A `direct` conversation is between you and exactly one other account. Name that one in `member_ids`, or make a `group`.',
  },
  assistant_takes_no_members: {
    status: 422,
    title: 'Assistant takes no members',
    help: 'A conversation of kind `assistant` is yours alone. Leave `member_ids` out, or make a `group`.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency key reused',
    help: 'The same key came before with other content. Use a new key for a new message; repeat a key only with the same content.',
  },
  too_many_requests: {
    status: 429,
    title: 'Too many requests',
    help: 'The rate limit is used up: that of the account (or address), that which new accounts or the refreshes of sessions at one address share, that of bodies from an address that are not finished, or that of requests from an address which a proxy before the server lets through at once. Wait as long as `Retry-After` says.',
  },
  too_many_logins: {
    status: 429,
    title: 'Too many failed logins',
    help: 'After a failed login, or a wrong old password, the next one for this account from this address has to wait 1, 2, 4 … 60 s; the failed logins of an account in a day and of an address are limited, too. Wait as long as `Retry-After` says.',
  },
  too_many_registrations: {
    status: 429,
    title: 'Too many registrations',
    help: 'Too many accounts were made from this address or its network in an hour, or in a day. Wait as long as `Retry-After` says.',
  },
  too_many_lookups: {
    status: 429,
    title: 'Too many look-ups',
    help: 'An account looks up at most 30 e-mail addresses per minute. Wait as long as `Retry-After` says.',
  },
  too_many_strangers: {
    status: 429,
    title: 'Too many strangers',
    help: 'A stranger is an account that never sent a message in a conversation with you. An account adds so many of them to groups, or opens a `direct` with them, in a day, a new one fewer. Nothing was made or changed: name fewer, or wait as long as `Retry-After` says.',
  },
  too_many_searches: {
    status: 429,
    title: 'Too many searches',
    help: 'Other searches of this account, or of everybody, are still under way. Wait for them, then search again.',
  },
  storage_exhausted: {
    status: 429,
    title: 'Storage exhausted',
    help: 'The account has added as much text today as it may. Nothing was kept. Send it again after `Retry-After`: the day ends at midnight UTC.',
  },
  budget_exhausted: {
    status: 429,
    title: 'Budget exhausted',
    help: 'The account has used as many AI tokens today as it may. Ask again after `Retry-After`: the day ends at midnight UTC.',
  },
  ai_quota_exceeded: {
    status: 429,
    title: 'AI quota exceeded',
    help: 'The AI provider refuses more requests for now. A message is kept: repeat the send with its client key after `Retry-After`, a prompt as it is.',
  },
  headers_too_large: { status: 431, title: 'Headers too large', help: 'All headers together may have at most 16 KiB.' },
  internal_error: {
    status: 500,
    title: 'Internal error',
    help: 'A bug of the server. Tell its operator the `request_id`, by which the log can be searched.',
  },
  service_unavailable: {
    status: 503,
    title: 'Service unavailable',
    help: 'Something the server depends on does not answer, or it is overloaded. Repeat the request after `Retry-After`; with a client key a send is never made twice.',
  },
  ai_not_configured: {
    status: 503,
    title: 'AI service not configured',
    help: 'The operator has set no AI provider. A message is kept.',
  },
  ai_failed: {
    status: 503,
    title: 'AI failed',
    help: 'The AI provider gave no usable answer. A message is kept: repeat the send with its client key to ask anew, a prompt as it is.',
  },
  ai_overloaded: {
    status: 503,
    title: 'AI overloaded',
    help: 'The AI provider has no room for now. A message is kept: repeat the send with its client key after `Retry-After`, a prompt as it is.',
  },
  ai_timed_out: {
    status: 503,
    title: 'AI timed out',
    help: 'The AI provider gave no answer within the time that the operator allows. A message is kept: repeat the send with its client key to ask anew, a prompt as it is.',
  },
  ai_misconfigured: {
    status: 503,
    title: 'AI misconfigured',
    help: 'The AI provider refuses this server, for its key, credit, model or region. A message is kept. Tell the operator, whose log says what to mend.',
  },
  ai_refused: {
    status: 503,
    statusAt: { 'POST /ai/complete': 422 },
    isFinal: true,
    title: 'AI refused',
    help: 'The AI provider refuses to answer this text for its content. A message is kept, and not shown to the AI again. There is no `Retry-After`: a repeat of the send with its client key gives the same and asks nobody. Send another message.',
  },
  ai_input_too_long: {
    status: 503,
    statusAt: { 'POST /ai/complete': 422 },
    isFinal: true,
    title: 'AI input too long',
    help: 'The text alone is longer than the AI model takes. A message is kept. There is no `Retry-After`: a repeat of the send with its client key gives the same and asks nobody. Send a shorter message.',
  },
  answer_pending: {
    status: 503,
    title: 'Answer pending',
    help: 'The message is kept and its answer still on its way. Read the messages later, or repeat the send with its client key to wait on.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** The row of a code, with all that a row may have. */
export const errorRow = (code: ErrorCode): ErrorRow => ERRORS[code];

/** The status of a code, at a call such as `POST /ai/complete` if one is given. */
export function statusOf(code: ErrorCode, call = ''): number {
  const { status, statusAt = {} } = errorRow(code);
  return statusAt[call] ?? status;
}
