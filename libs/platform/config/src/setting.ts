import type { z } from 'zod';

/** `migrate` is the worker's command of that name: it reads what the worker reads, and what is for it alone. */
export type ProcessName = 'api' | 'worker' | 'migrate';

export interface Setting<Value> {
  /** What the setting means, in one sentence with its unit; stands in `.env.example`. */
  readonly doc: string;
  readonly usedBy: readonly ProcessName[];
  /** The text that stands for "unset"; undefined when there is no default. */
  readonly fallback: string | undefined;
  /** A secret may come from a file too, whose path is in `<NAME>_FILE`. */
  readonly isSecret: boolean;
  /** Other programs know the variable as well, and in small letters too: that one goes first. */
  readonly isCommon: boolean;
  readonly parse: z.ZodType<Value, string>;
}

export const BOTH = ['api', 'worker'] as const;
export const API = ['api'] as const;
export const WORKER = ['worker'] as const;
export const MIGRATE = ['migrate'] as const;

export const setting = <Value>(
  usedBy: readonly ProcessName[],
  fallback: string | undefined,
  parse: z.ZodType<Value, string>,
  doc: string,
): Setting<Value> => ({ doc, usedBy, fallback, isSecret: false, isCommon: false, parse });
export const secret = <Value>(...args: Parameters<typeof setting<Value>>): Setting<Value> => ({
  ...setting(...args),
  isSecret: true,
});
export const common = <Value>(one: Setting<Value>): Setting<Value> => ({ ...one, isCommon: true });

/** Whether a process reads a setting: `migrate` is a command of the worker, and reads what the worker reads. */
export const isReadBy = (process: ProcessName, { usedBy }: Setting<unknown>): boolean =>
  usedBy.includes(process) || (process === 'migrate' && usedBy.includes('worker'));
