// For the operator's commands, which run in the worker: it has nothing to do with tokens, and loads nothing for them.
export { PASSWORD_MAX_CHARACTERS, PASSWORD_MIN_CHARACTERS } from './domain/account.js';
export { parseEmail, type Email } from './domain/email.js';
export { SHOWN_DIGITS } from './domain/security-event.js';
export { ListSecurityEvents } from './events/list-security-events.js';
export { KEPT_DAYS, type SecurityEventRow } from './events/security-event-rows.js';
export { SecurityEventsModule } from './security-events.module.js';
export { SetPasswordModule } from './set-password.module.js';
export { SetPassword } from './use-cases/set-password.js';
