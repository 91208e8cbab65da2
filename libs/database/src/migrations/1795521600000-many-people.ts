import type { MigrationInterface, QueryRunner } from 'typeorm';
import { MAKE_CONVERSATION, ORDER_INBOXES, TOO_MANY_LARGE } from './many-people/conversation-functions.js';
import { FIND_MESSAGES } from './many-people/search-functions.js';
import { OWE_SEARCH, SEARCH_TABLES } from './many-people/search-tables.js';
import { SEND_MESSAGES, SEND_MESSAGES_OF_FIRST, SETTLE_STORED } from './many-people/send-messages.js';
import { TABLES } from './many-people/tables.js';

/** Direct conversations and groups, the order of inboxes for both sizes of them, and the index that searches go by. */
export class ManyPeople1795521600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [
      TABLES,
      SEARCH_TABLES,
      FIND_MESSAGES,
      TOO_MANY_LARGE,
      MAKE_CONVERSATION,
      ORDER_INBOXES,
      SETTLE_STORED,
      SEND_MESSAGES,
      SEND_MESSAGES_OF_FIRST,
    ])
      await runner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}

/** Owes the new index every message that is there. */
export class OweSearch1795521700000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(OWE_SEARCH);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
