import { pause } from '@edgechat/kernel';
import type { Log } from '@edgechat/platform/logging';
import type { QueryRunner } from 'typeorm';
import { z } from 'zod';

/** Any constant will do, as long as every release takes the same lock. */
const MIGRATION_LOCK = 1_162_038_135_001;
const TRY_AGAIN_MS = 200;

const TRY = 'select pg_try_advisory_lock($1) as "isOurs"';
const HOLDER = `
  select l.pid, coalesce(a.application_name, '') as "applicationName"
  from pg_locks l left join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())
    and (l.classid::bigint << 32) + l.objid::bigint = $1
  limit 1`;

const tries = z.array(z.object({ isOurs: z.boolean() })).length(1);
const holders = z.array(z.object({ pid: z.number(), applicationName: z.string() }));

/**
 * Takes the lock of the migrations, for as long as the connection lasts. Waits while somebody else has it, mostly another `migrate`, and says once of each who that is: any login of the database can take it, and keep it.
 */
export async function lockMigrations(runner: QueryRunner, log: Log): Promise<void> {
  let told: number | null = null;
  while (tries.parse(await runner.query(TRY, [MIGRATION_LOCK]))[0]?.isOurs !== true) {
    const [holder] = holders.parse(await runner.query(HOLDER, [MIGRATION_LOCK]));
    if (holder !== undefined && holder.pid !== told) {
      told = holder.pid;
      log.warn(
        'migrate waits for whoever has its lock in PostgreSQL: if that is no other migrate, end it with pg_terminate_backend(pid)',
        { holderPid: holder.pid, holderApplication: holder.applicationName },
      );
    }
    await pause(TRY_AGAIN_MS);
  }
}
