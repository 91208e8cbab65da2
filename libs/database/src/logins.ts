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

/** What the login of the processes has in common with that of `migrate`: all of it (`user`), its password, or nothing. Of logins without passwords (certificates, sockets) nothing is known but the user. */
export function sharedWithOwner(config: Config): 'user' | 'password' | null {
  const app = loginOf(config.databaseUrl);
  const owner = loginOf(ownerUrl(config));
  if (app.user === owner.user) return 'user';
  return app.password !== null && app.password === owner.password ? 'password' : null;
}
