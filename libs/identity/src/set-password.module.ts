import { Module } from '@nestjs/common';
import { HashingSlots } from './passwords/hashing-slots.js';
import { PasswordRules } from './passwords/password-rules.js';
import { SetPassword } from './use-cases/set-password.js';

/** For the operator's command, which needs PostgreSQL alone. */
@Module({ providers: [SetPassword, HashingSlots, PasswordRules], exports: [SetPassword] })
export class SetPasswordModule {}
