export {
  DISPLAY_NAME_MAX_CHARACTERS,
  NEW_ACCOUNT_DAYS,
  PASSWORD_MAX_CHARACTERS,
  PASSWORD_MIN_CHARACTERS,
  displayNameOf,
  type Account,
  type Caller,
  type FoundAccount,
  type OpenSession,
  type TokenPair,
} from './domain/account.js';
export { EMAIL_MAX_CHARACTERS, parseEmail, type Email } from './domain/email.js';
export { INVITE_CODE_MAX_CHARACTERS } from './domain/invite-code.js';
export { IdentityModule } from './identity.module.js';
export { AccountQueries } from './queries/account-queries.js';
export { ListSessions } from './queries/list-sessions.js';
export { Authenticator } from './tokens/authenticator.js';
export { ChangePassword } from './use-cases/change-password.js';
export { EndSessions } from './use-cases/end-sessions.js';
export { LogIn } from './use-cases/log-in.js';
export { LogOut } from './use-cases/log-out.js';
export { RefreshSession } from './use-cases/refresh-session.js';
export { RegisterAccount } from './use-cases/register-account.js';
export { UpdateProfile } from './use-cases/update-profile.js';
