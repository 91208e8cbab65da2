import { Module } from '@nestjs/common';
import { DailyUse } from './daily-use.js';
import { DailyUses } from './daily-uses.js';

/** What accounts use by day: one count for the whole process, whoever imports it. Needs the process's Config, Log and Postgres. */
@Module({ providers: [DailyUses, DailyUse], exports: [DailyUse] })
export class DailyUseModule {}
