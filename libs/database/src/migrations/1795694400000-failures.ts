import type { MigrationInterface, QueryRunner } from 'typeorm';
import { CALLS, CHARGE_CALLS, FAILURE_CODE_BEFORE } from './failures/charge-calls.js';
import { CLAIM_REPLY, CLAIM_REPLY_BEFORE } from './failures/reply-functions.js';
import { SEND_MESSAGES } from './failures/send-messages.js';
import { TABLES } from './failures/tables.js';

const STEPS = [TABLES, CALLS, CHARGE_CALLS, FAILURE_CODE_BEFORE, CLAIM_REPLY, CLAIM_REPLY_BEFORE, SEND_MESSAGES];

/** Failures of a provider by their own names, replies that wait for a provider without a worker, and failed calls that are charged. */
export class Failures1795694400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of STEPS) await runner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
