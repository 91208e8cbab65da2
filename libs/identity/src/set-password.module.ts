import { Module } from '@nestjs/common';
import { SecurityEventRows } from './events/security-event-rows.js';
import { HashingSlots } from './passwords/hashing-slots.js';
import { SetPassword } from './use-cases/set-password.js';

/** For the operator's command, which needs PostgreSQL alone. */
@Module({ providers: [SetPassword, HashingSlots, SecurityEventRows], exports: [SetPassword] })
export class SetPasswordModule {}
