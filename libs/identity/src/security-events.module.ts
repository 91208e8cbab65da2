import { Module } from '@nestjs/common';
import { ListSecurityEvents } from './events/list-security-events.js';
import { SecurityEventRows } from './events/security-event-rows.js';
import { Accounts } from './persistence/accounts.js';

/** For the operator's command, which needs PostgreSQL alone. */
@Module({ providers: [Accounts, ListSecurityEvents, SecurityEventRows], exports: [ListSecurityEvents] })
export class SecurityEventsModule {}
