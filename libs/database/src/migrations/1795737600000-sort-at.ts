import type { MigrationInterface, QueryRunner } from 'typeorm';
import { PLACE_JOINED, PLACE_NEXT_MEMBERS } from './sort-at/joined-members.js';
import { MAKE_CONVERSATION } from './sort-at/make-conversation.js';

/** In an inbox a conversation stands where its member came, if nothing was said since; also where the release before takes somebody in. */
export class SortAt1795737600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [PLACE_JOINED, MAKE_CONVERSATION]) await runner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}

interface MemberKey {
  readonly conversation: string;
  readonly account: string;
}

/** Puts what there is already at its place, in batches that are a transaction each, so that sends wait for some milliseconds only. May be ended in the middle, and then begins anew. */
export class SortMembers1795737700000 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    for (
      let after: MemberKey | null = { conversation: '00000000-0000-0000-0000-000000000000', account: '0' };
      after !== null;
    )
      after = keyOf(await runner.query(PLACE_NEXT_MEMBERS, [after.conversation, after.account]));
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward. Restore a backup to go back.');
  }
}

function keyOf(rows: unknown): MemberKey | null {
  const row: unknown = Array.isArray(rows) ? rows.at(0) : null;
  if (typeof row !== 'object' || row === null || !('conversation_id' in row) || !('account_id' in row)) return null;
  return { conversation: String(row.conversation_id), account: String(row.account_id) };
}
