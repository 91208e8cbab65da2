import type { QueryRunner } from 'typeorm';
import { z } from 'zod';

const serverRows = z.array(z.object({ encoding: z.string(), version: z.number() }));

const VERSION_MIN = 15;

const SERVER = `select current_setting('server_encoding') as encoding, current_setting('server_version_num')::int as version`;

/** Why a database cannot hold our tables: half a sentence, with what to do. Null when it can. @param version as `server_version_num` has it: 160014 is 16.14 */
export function whyUnfit({
  encoding,
  version,
}: {
  readonly encoding: string;
  readonly version: number;
}): string | null {
  if (version < VERSION_MIN * 10_000)
    return `PostgreSQL ${Math.floor(version / 10_000)} is too old: ${VERSION_MIN} or newer is needed`;
  if (encoding === 'UTF8') return null;
  return `the database has the encoding ${encoding}, and only UTF8 holds every text: make another (create database edgechat2 encoding 'UTF8' template template0) and let DATABASE_URL name it`;
}

/** @throws Error with a sentence when the database cannot hold our tables: in another encoding than UTF8 letters of other scripts fail, or are cut in two, once people write them */
export async function refuseUnfitDatabase(runner: QueryRunner): Promise<void> {
  const [row] = serverRows.parse(await runner.query(SERVER));
  const why = row === undefined ? null : whyUnfit(row);
  if (why !== null) throw new Error(why);
}
