export const CLIENT_PACKAGES: readonly string[];
export function ensureClientTools(): Promise<string>;
export function clientCommand(name: string): string;
