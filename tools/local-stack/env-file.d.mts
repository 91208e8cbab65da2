/** See env-file.mjs. */
export function parseEnvFile(
  source: string,
  env: NodeJS.ProcessEnv,
  warn?: (sentence: string) => void,
): Record<string, string>;
export function readEnvFile(
  projectDir: string,
  env: NodeJS.ProcessEnv,
  warn?: (sentence: string) => void,
): Record<string, string>;
