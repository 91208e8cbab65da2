import type { MigrationInterface, QueryRunner } from 'typeorm';
import { TABLES } from './failures/tables.js';

/** Failures of a provider by their own names, replies that wait for a provider without a worker, and failed calls that are charged. */
export class Failures1795694400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [TABLES]) await runner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
