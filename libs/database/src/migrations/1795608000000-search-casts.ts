import type { MigrationInterface, QueryRunner } from 'typeorm';
import { FIND_IN_BLOCKS } from './search-casts/find-in-blocks.js';

/** A search casts its queries once for each block of a conversation, not once for each message that it ranks. */
export class SearchCasts1795608000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(FIND_IN_BLOCKS);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}
