import type { z } from 'zod';
import { SETTINGS, type ProcessName, type Setting, type SettingName } from './settings.js';

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}` ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}` : Lowercase<Name>;
type Parsed<Name extends SettingName> = z.output<(typeof SETTINGS)[Name]['parse']>;
type WithoutDefault = 'JWT_SECRET' | 'AI_PROVIDER' | 'GEMINI_API_KEY' | 'OPENAI_API_KEY' | 'OPENAI_BASE_URL' | 'ANTHROPIC_API_KEY';
type ConfigTree = { readonly [Name in SettingName as CamelCase<Name>]: Name extends WithoutDefault ? Parsed<Name> | undefined : Parsed<Name> };

/** The whole configuration of a process, parsed and frozen. The class is its dependency-injection token. */
export abstract class Config {}
export interface Config extends ConfigTree {}

/** Says which variables are wrong and what they must be; never a value. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

/**
 * Reads a process's variables. Empty counts as unset. Variables of the other process get their defaults unread, so that a secret reaches only whom it is for.
 * @throws ConfigError naming every bad variable at once.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, process: ProcessName): Config {
  const problems: string[] = [];
  const tree: Record<string, unknown> = {};
  for (const [name, one] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const given = one.usedBy.includes(process) && env[name] !== '' ? env[name] : undefined;
    tree[camelCase(name)] = parse(name, one, given, problems);
  }
  const config = Object.freeze(tree) as unknown as Config;
  if (config.appEnv === 'production') {
    const isNamed = (problem: string): boolean => problems.some((other) => other.split(' ')[0] === problem.split(' ')[0]);
    problems.push(...productionProblems(config, process).filter((problem) => !isNamed(problem)));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function parse(name: string, one: Setting<unknown>, given: string | undefined, problems: string[]): unknown {
  const value = given ?? one.fallback;
  if (value === undefined) return undefined;
  const result = one.parse.safeParse(value);
  if (result.success) return result.data;
  const reason = result.error.issues[0]?.code === 'invalid_value' ? `must be one of the values in .env.example` : (result.error.issues[0]?.message ?? 'is wrong');
  problems.push(`${name} ${reason.startsWith('must') ? reason : 'has a value that it cannot have'}. ${one.doc}`);
  return undefined;
}

function productionProblems(config: Config, process: ProcessName): string[] {
  const api = [
    ...(config.jwtSecret === undefined ? ['JWT_SECRET must be set when APP_ENV is production: 32 random bytes or more, the same for every replica.'] : []),
    ...(isListed(config.corsOrigins, '*') ? ['CORS_ORIGINS must name your origins when APP_ENV is production, not *.'] : []),
  ];
  const worker = config.aiProvider === 'demo' ? ['AI_PROVIDER must not be demo when APP_ENV is production.'] : [];
  return process === 'api' ? api : worker;
}

/** A list that could not be parsed is undefined here, and named already. */
const isListed = (list: readonly string[] | undefined, item: string): boolean => list?.includes(item) ?? false;

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
