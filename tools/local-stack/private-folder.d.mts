/** See private-folder.mjs. */
export function makePrivate(folder: string): boolean;
export function closeToOthers(folder: string): boolean;
export function letPass(...folders: string[]): void;
