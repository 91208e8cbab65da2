import { Module } from '@nestjs/common';
import { SecurityEventRows } from './events/security-event-rows.js';
import { SecurityEvents } from './events/security-events.js';
import { GuardedPasswords } from './passwords/guarded-passwords.js';
import { HashingSlots } from './passwords/hashing-slots.js';
import { LoginGuard } from './passwords/login-guard.js';
import { PasswordRules } from './passwords/password-rules.js';
import { Accounts } from './persistence/accounts.js';
import { Invites } from './persistence/invites.js';
import { Sessions } from './persistence/sessions.js';
import { AccountQueries } from './queries/account-queries.js';
import { ListSessions } from './queries/list-sessions.js';
import { Admission } from './registration/admission.js';
import { RegistrationLimit } from './registration/registration-limit.js';
import { Authenticator } from './tokens/authenticator.js';
import { NewSessions } from './tokens/new-sessions.js';
import { Revocations } from './tokens/revocations.js';
import { SigningKeys } from './tokens/signing-keys.js';
import { TokenUses } from './tokens/token-uses.js';
import { Tokens } from './tokens/tokens.js';
import { ChangePassword } from './use-cases/change-password.js';
import { EndSessions } from './use-cases/end-sessions.js';
import { LogIn } from './use-cases/log-in.js';
import { LogOut } from './use-cases/log-out.js';
import { RefreshSession } from './use-cases/refresh-session.js';
import { RegisterAccount } from './use-cases/register-account.js';
import { UpdateProfile } from './use-cases/update-profile.js';

const PUBLIC = [
  AccountQueries,
  Authenticator,
  ChangePassword,
  EndSessions,
  ListSessions,
  LogIn,
  LogOut,
  RefreshSession,
  RegisterAccount,
  UpdateProfile,
];
const INTERNAL = [
  Accounts,
  Admission,
  GuardedPasswords,
  HashingSlots,
  Invites,
  LoginGuard,
  NewSessions,
  PasswordRules,
  RegistrationLimit,
  Revocations,
  SecurityEventRows,
  SecurityEvents,
  Sessions,
  SigningKeys,
  TokenUses,
  Tokens,
];

/** Accounts, sessions and tokens. Needs the process's Config, Log, Postgres and Redis. */
@Module({ providers: [...PUBLIC, ...INTERNAL], exports: PUBLIC })
export class IdentityModule {}
