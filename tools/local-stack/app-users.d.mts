export type StoresEnv = Readonly<Record<'DATABASE_URL' | 'MONGODB_URL' | 'REDIS_URL', string>>;

export const REDIS_RULES: string;
export const REDIS_USER: string;
export function appEnvOf(env: StoresEnv, role?: string): StoresEnv & { readonly MIGRATE_DATABASE_URL: string };
