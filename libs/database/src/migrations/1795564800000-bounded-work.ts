import type { MigrationInterface, QueryRunner } from 'typeorm';
import { FIND_DAILY_USE, TOKENS_ALLOWED, TOKENS_BACK_IN_S } from './bounded-work/daily-use.js';
import { FIND_MESSAGES } from './bounded-work/search-functions.js';
import { SEND_MESSAGES, SEND_MESSAGES_OF_MANY_PEOPLE } from './bounded-work/send-messages.js';
import { TABLES } from './bounded-work/tables.js';

/** What accounts use by day, and how large texts are: what one account can make the system do is bounded by them. */
export class BoundedWork1795564800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [
      TABLES,
      TOKENS_ALLOWED,
      TOKENS_BACK_IN_S,
      FIND_DAILY_USE,
      SEND_MESSAGES,
      SEND_MESSAGES_OF_MANY_PEOPLE,
      FIND_MESSAGES,
    ])
      await runner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
