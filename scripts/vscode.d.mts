export function ensureVsCode(): { entry: string; version: string };
export function ensureChromium(): string;
