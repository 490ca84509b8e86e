import type { TokenUsage, TurnSource } from '../../src/shared/session.ts';
import { locale, t } from '../l10n.ts';

const short = new Intl.NumberFormat(locale, { notation: 'compact' });
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** 999, 1.2K, 34K, 1.5M, as it is usual where the person is. */
export function compact(count: number): string {
  return short.format(count);
}

/** 0.4 s, 12 s, 3 min 5 s */
export function duration(ms: number): string {
  if (ms < 9_950) return t('{0} s', tenths.format(Math.max(0, ms) / 1000));
  return wholeSeconds(Math.round(ms / 1000) * 1000);
}

/** 0 s, 12 s, 3 min 5 s */
export function wholeSeconds(ms: number): string {
  // The clock may have been put back since.
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  return seconds < 60 ? t('{0} s', seconds) : t('{0} min {1} s', Math.floor(seconds / 60), seconds % 60);
}

/** now, 5 min, 3 h, 2 d, then the date */
export function ago(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return t('now');
  if (minutes < 60) return t('{0} min', minutes);
  if (minutes < 24 * 60) return t('{0} h', Math.floor(minutes / 60));
  if (minutes < 7 * 24 * 60) return t('{0} d', Math.floor(minutes / (24 * 60)));
  return new Date(at).toLocaleDateString(locale);
}

export function usageText(usage: TokenUsage): string {
  const { total, input, cachedInput, output } = usage;
  return t('{0} tokens: {1} in ({2} cached), {3} out', total, input, cachedInput, output);
}

/** How MCP clients call themselves, and what people call them. */
const CLIENTS: Readonly<Record<string, string>> = {
  'claude-code': 'Claude Code',
  'claude-ai': 'Claude',
  'codex-mcp-client': 'Codex',
  'gemini-cli-mcp-client': 'Gemini CLI',
  'cursor-vscode': 'Cursor',
};

/** Who asked. */
export function sourceText(source: TurnSource): { label: string; icon: string } {
  switch (source.kind) {
    case 'window':
      return { label: t('You'), icon: 'account' };
    case 'palette':
      return { label: t('You, by command'), icon: 'account' };
    case 'mcp':
      return { label: CLIENTS[source.name ?? ''] ?? source.name ?? t('MCP client'), icon: 'plug' };
    case 'cli':
      return { label: t('Command line'), icon: 'console' };
    case 'terminal':
      return { label: t('Terminal'), icon: 'terminal' };
  }
}

/** JSON with line breaks and indentation; other text as it is. */
export function readableJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    // Bounded JSON may be cut off, and a tool may answer with plain text.
    return text;
  }
}

/** The command itself where Codex wrapped it in a shell call, for a label: what exactly runs is shown below it. */
export function commandLabel(command: string): string {
  const wrapped = /^\S*\/?(?:ba|z|da)?sh -l?c (?:'([\s\S]*)'|"([\s\S]*)")$/.exec(command);
  const inner = wrapped?.[1]?.replaceAll(`'\\''`, "'") ?? wrapped?.[2]?.replaceAll(/\\(["\\$`])/g, '$1');
  return inner ?? command;
}

/** A path cut into its folders and its name, so that the name is never what a narrow view leaves out. */
export function splitPath(path: string): { folder: string; name: string } {
  const at = path.lastIndexOf('/') + 1;
  return { folder: path.slice(0, at), name: path.slice(at) };
}
