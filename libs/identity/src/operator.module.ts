import { Module } from '@nestjs/common';
import { ListSecurityEvents } from './events/list-security-events.js';
import { SecurityEventRows } from './events/security-event-rows.js';
import { HashingSlots } from './passwords/hashing-slots.js';
import { PasswordRules } from './passwords/password-rules.js';
import { Accounts } from './persistence/accounts.js';
import { Invites } from './persistence/invites.js';
import { LockAccount } from './use-cases/lock-account.js';
import { MakeInvite } from './use-cases/make-invite.js';
import { SetPassword } from './use-cases/set-password.js';

const PUBLIC = [ListSecurityEvents, LockAccount, MakeInvite, SetPassword];

/** For the operator's commands about accounts, which need PostgreSQL alone. */
@Module({ providers: [...PUBLIC, Accounts, HashingSlots, Invites, PasswordRules, SecurityEventRows], exports: PUBLIC })
export class OperatorModule {}
