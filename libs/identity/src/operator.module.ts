import { Module } from '@nestjs/common';
import { HashingSlots } from './passwords/hashing-slots.js';
import { PasswordRules } from './passwords/password-rules.js';
import { Invites } from './persistence/invites.js';
import { LockAccount } from './use-cases/lock-account.js';
import { MakeInvite } from './use-cases/make-invite.js';
import { SetPassword } from './use-cases/set-password.js';

/** For the operator's commands about accounts, which need PostgreSQL alone. */
@Module({
  providers: [LockAccount, MakeInvite, SetPassword, HashingSlots, Invites, PasswordRules],
  exports: [LockAccount, MakeInvite, SetPassword],
})
export class OperatorModule {}
