import type { MigrationInterface, QueryRunner } from 'typeorm';
import { CREATE_CONVERSATION, SEND_MESSAGES } from './first/conversation-functions.js';
import { CLAIM_REPLY } from './first/reply-functions.js';
import { TABLES } from './first/tables.js';

/** The first schema. Forward only: what a later release no longer needs is removed a release after it stopped being used. */
export class First1795478400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [TABLES, CREATE_CONVERSATION, SEND_MESSAGES, CLAIM_REPLY]) await runner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
