/** See log-lines.mjs. */
export function readable(app: string, text: string): string;
export function isAboutStart(text: string): boolean;
export function byLine(take: (line: string) => void): (text: string) => void;
