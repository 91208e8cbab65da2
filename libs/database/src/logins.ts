import type { Config } from '@edgechat/platform/config';
import pg from 'pg';

export interface Login {
  readonly user: string;
  /** Null when there is none: certificates, sockets. */
  readonly password: string | null;
}

/** Who logs in with a URL, as the driver reads it: what the URL leaves out it takes from PGUSER and PGPASSWORD. */
export function loginOf(url: string): Login {
  const { user, password } = new pg.Client(url);
  return { user: user ?? '', password: typeof password === 'string' && password !== '' ? password : null };
}

/** The URL that `migrate` logs in with: that of the owner where there is one, with its password. */
export function ownerUrl({ databaseUrl, migrateDatabaseUrl, migratePgpassword }: Config): string {
  if (migrateDatabaseUrl === undefined) return databaseUrl;
  if (migratePgpassword === undefined) return migrateDatabaseUrl;
  const isAlone = /^([a-z]+:\/\/[^:@/?]+)@/;
  return migrateDatabaseUrl.replace(isAlone, (_, user: string) => `${user}:${encodeURIComponent(migratePgpassword)}@`);
}
