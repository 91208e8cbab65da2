// @ts-check
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const makeSecrets = readFileSync(join(import.meta.dirname, '../../docker/make-secrets'), 'utf8');

/** What `edgechat_app` may do in Redis, as docker/make-secrets writes it. */
export const REDIS_RULES = /^redis_rules='(.+)'$/m.exec(makeSecrets)?.[1] ?? '';

/** The user with these rules, for a Redis of tests: it takes any password. */
export const REDIS_USER = `edgechat_app on nopass ${REDIS_RULES}`;

/**
 * The variables of processes that log in to PostgreSQL and Redis as users who may do no more than they need, and those of `migrate`, which makes the first of them.
 * @param {import('./app-users.d.mts').StoresEnv} env how the owner logs in to engines that were started with `redisUser: REDIS_USER`
 * @param {string} [role] that of PostgreSQL; roles belong to the whole server
 */
export function appEnvOf(env, role = 'edgechat_app') {
  return {
    ...env,
    DATABASE_URL: asUser(env.DATABASE_URL, role),
    MIGRATE_DATABASE_URL: env.DATABASE_URL,
    REDIS_URL: asUser(env.REDIS_URL, 'edgechat_app', 'any'),
  };
}

/** @param {string} url @param {string} username @param {string} [password] */
function asUser(url, username, password = '') {
  return Object.assign(new URL(url), { username, password }).href;
}
