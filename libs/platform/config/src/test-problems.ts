import { ConfigError, loadConfig } from './config.js';
import type { ProcessName } from './settings.js';

/** The sentences that a start with these variables ends with; none when it goes well. */
export function problemsOf(env: Readonly<Record<string, string>>, process: ProcessName = 'api'): readonly string[] {
  try {
    loadConfig(env, process);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

export const namesIn = (problems: readonly string[]): string[] =>
  problems.map((problem) => problem.split(' ', 1).join(''));
