import type { MigrationInterface, QueryRunner } from 'typeorm';
import { DRAW_ACCOUNT_ID, NEW_ACCOUNT_ID, RANDOM_ACCOUNT_IDS } from './strangers/account-ids.js';
import { MAKE_CONVERSATION, MAKE_CONVERSATION_OF_MANY_PEOPLE } from './strangers/conversation-functions.js';
import { SEND_MESSAGES } from './strangers/send-messages.js';
import {
  MEET_STRANGERS,
  NEVER_SENT_WITH,
  STRANGERS_ALLOWED,
  STRANGERS_BACK_IN_S,
  TOO_MANY_LARGE,
} from './strangers/strangers.js';
import { TABLES } from './strangers/tables.js';

/** Random ids for new accounts; whom an account never got a message from is a stranger to it, and it may take in only so many of them. */
export class Strangers1795651600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [
      TABLES,
      DRAW_ACCOUNT_ID,
      NEW_ACCOUNT_ID,
      RANDOM_ACCOUNT_IDS,
      NEVER_SENT_WITH,
      STRANGERS_ALLOWED,
      STRANGERS_BACK_IN_S,
      MEET_STRANGERS,
      TOO_MANY_LARGE,
      MAKE_CONVERSATION,
      MAKE_CONVERSATION_OF_MANY_PEOPLE,
      SEND_MESSAGES,
    ])
      await runner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
