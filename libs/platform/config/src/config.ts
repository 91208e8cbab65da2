import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { productionProblems } from './production.js';
import { isReadBy } from './setting.js';
import { SETTINGS, type ProcessName, type Setting, type SettingName } from './settings.js';

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name>;
type Parsed<Name extends SettingName> = z.output<(typeof SETTINGS)[Name]['parse']>;
type WithoutDefault =
  | 'MIGRATE_DATABASE_URL'
  | 'MIGRATE_PGPASSWORD'
  | 'MIGRATE_MONGODB_URL'
  | 'JWT_SECRET'
  | 'JWT_SECRET_PREVIOUS'
  | 'AI_PROVIDER'
  | 'GEMINI_API_KEY'
  | 'OPENAI_API_KEY'
  | 'OPENAI_BASE_URL'
  | 'ANTHROPIC_API_KEY'
  | 'HTTPS_PROXY'
  | 'HTTP_PROXY';
type ConfigTree = {
  readonly [Name in SettingName as CamelCase<Name>]: Name extends WithoutDefault
    ? Parsed<Name> | undefined
    : Parsed<Name>;
};

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

type Environment = Readonly<Record<string, string | undefined>>;
type ReadFile = (path: string) => string;

const fromDisk: ReadFile = (path) => readFileSync(path, 'utf8');

/**
 * Reads a process's variables, and the files that hold its secrets (`JWT_SECRET_FILE` for JWT_SECRET). Empty counts as unset. Variables and files of the other processes
 * are not read and get their defaults, so that a secret reaches only whom it is for.
 * @throws ConfigError naming every bad variable at once.
 */
export function loadConfig(env: Environment, process: ProcessName, readFile: ReadFile = fromDisk): Config {
  const problems: string[] = [];
  const tree: Record<string, unknown> = {};
  for (const [name, one] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const known = problems.length;
    const given = isReadBy(process, one) ? find(name, one, env, readFile, problems) : undefined;
    tree[camelCase(name)] = problems.length > known ? undefined : parse(name, one, given, problems);
  }
  const config = Object.freeze(tree) as unknown as Config;
  if (config.appEnv === 'production') {
    const isNamed = (problem: string): boolean =>
      problems.some((other) => other.split(' ')[0] === problem.split(' ')[0]);
    problems.push(...productionProblems(config, env, process).filter((problem) => !isNamed(problem)));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** Empty counts as unset. */
const setIn = (env: Environment, name: string): string | undefined => (env[name] === '' ? undefined : env[name]);

/** The text that a setting was given, from its variable or from the file that `<NAME>_FILE` names. The end of the line, which editors add to files, is no part of a secret. */
function find(
  name: string,
  one: Setting<unknown>,
  env: Environment,
  readFile: ReadFile,
  problems: string[],
): string | undefined {
  const given = (one.isCommon ? setIn(env, name.toLowerCase()) : undefined) ?? setIn(env, name);
  const path = one.isSecret ? env[`${name}_FILE`] : undefined;
  if (path === undefined || path === '') return given;
  // (What other programs know may stand in anybody's shell: who names the file means it.)
  if (given !== undefined && !one.isCommon) {
    problems.push(`${name} must not be set when ${name}_FILE is. Choose one of them.`);
    return undefined;
  }
  try {
    const text = readFile(path).replace(/\r?\n$/, '');
    if (text !== '') return text;
    problems.push(`${name} must stand in the file that ${name}_FILE names, which is empty.`);
  } catch {
    problems.push(
      `${name} must stand in the file that ${name}_FILE names, which cannot be read: is it there, and may this process's user read it?`,
    );
  }
  return undefined;
}

function parse(name: string, one: Setting<unknown>, given: string | undefined, problems: string[]): unknown {
  const value = given ?? one.fallback;
  if (value === undefined) return undefined;
  const result = one.parse.safeParse(value);
  if (result.success) return result.data;
  const reason =
    result.error.issues[0]?.code === 'invalid_value'
      ? `must be one of the values in .env.example`
      : (result.error.issues[0]?.message ?? 'is wrong');
  problems.push(`${name} ${reason.startsWith('must') ? reason : 'has a value that it cannot have'}. ${one.doc}`);
  return undefined;
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
