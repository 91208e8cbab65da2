export interface Locked {
  readonly version?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

/** `libc`: null where there is no choice. */
export interface Platform {
  readonly os: string;
  readonly cpu: string;
  readonly libc: string | null;
}

/** See install.mjs. */
export const INSTALL: string[];
export function isNeeded(locked: Locked, here: Platform): boolean;
export function missingPackages(folder?: string): string[] | null;
export function isInstalled(): boolean;
export function whyNotInstalled(): string | null;
