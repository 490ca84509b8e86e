import type { TokenUsage, TurnSource } from '../../src/shared/session.ts';

const number = new Intl.NumberFormat();

/** 999, 1.2k, 34k, 1.5M */
export function compact(count: number): string {
  if (count < 1000) return String(count);
  if (count < 1_000_000) return `${trim(count / 1000)}k`;
  return `${trim(count / 1_000_000)}M`;
}

function trim(value: number): string {
  return value < 10 ? value.toFixed(1).replace(/\.0$/, '') : String(Math.round(value));
}

/** 0.4 s, 12 s, 3 min 5 s */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** now, 5 min, 3 h, 2 d, then the date */
export function ago(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return 'now';
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  if (minutes < 7 * 24 * 60) return `${Math.floor(minutes / (24 * 60))} d`;
  return new Date(at).toLocaleDateString();
}

export function usageText(usage: TokenUsage): string {
  return `${number.format(usage.total)} tokens: ${number.format(usage.input)} in (${number.format(usage.cachedInput)} cached), ${number.format(usage.output)} out`;
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
      return { label: 'You', icon: 'account' };
    case 'palette':
      return { label: 'You, by command', icon: 'account' };
    case 'mcp':
      return { label: CLIENTS[source.name ?? ''] ?? source.name ?? 'MCP client', icon: 'plug' };
    case 'cli':
      return { label: 'Command line', icon: 'console' };
    case 'terminal':
      return { label: 'Terminal', icon: 'terminal' };
  }
}

/** Characters that hide, reorder or overwrite what stands beside them: controls, bidi marks, zero widths, tags. */
const HIDDEN = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Text cut into what is shown as it is and what is made visible; tabs and line breaks stay. */
export function visibleParts(text: string): { text: string; hidden: boolean }[] {
  const parts: { text: string; hidden: boolean }[] = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index), hidden: false });
    const code = match[0].codePointAt(0) ?? 0;
    parts.push({ text: `U+${code.toString(16).toUpperCase().padStart(4, '0')}`, hidden: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), hidden: false });
  return parts;
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
