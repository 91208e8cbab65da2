// For the operator's commands, which run in the worker: it has nothing to do with tokens, and loads nothing for them.
export { PASSWORD_MAX_CHARACTERS, PASSWORD_MIN_CHARACTERS } from './domain/account.js';
export { parseEmail, type Email } from './domain/email.js';
export { SHOWN_DIGITS } from './domain/security-event.js';
export { ListSecurityEvents } from './events/list-security-events.js';
export { KEPT_DAYS, type SecurityEventRow } from './events/security-event-rows.js';
export { OperatorModule } from './operator.module.js';
export { LockAccount } from './use-cases/lock-account.js';
export { INVITE_DAYS_MAX, INVITE_USES_MAX, MakeInvite } from './use-cases/make-invite.js';
export { SetPassword } from './use-cases/set-password.js';
