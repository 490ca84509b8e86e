/** What a link in an answer leads to. */
export type LinkTarget =
  | { readonly kind: 'web'; readonly href: string }
  /** `path` is as written; lines are 1-based. */
  | { readonly kind: 'file'; readonly path: string; readonly line?: number }
  | { readonly kind: 'refused' };

/**
 * Sorts a link of Codex's. The web is opened by VS Code, which asks first; a path is looked for in the
 * window's folders; everything else (`command:`, `javascript:`, `vscode:`, other schemes) does nothing.
 */
export function linkTarget(href: string): LinkTarget {
  if (/^(https?|mailto):/i.test(href)) return { kind: 'web', href };
  const file = href.replace(/^file:\/\//i, '');
  // A scheme has two letters or more: one letter is a Windows drive.
  if (/^[a-z][a-z0-9+.-]+:(?!\d)/i.test(file) || file === '' || file.startsWith('//'))
    return { kind: 'refused' };
  const [, path = file, line] = /^(.*?)(?:#L|:)(\d+)(?:[-:].*)?$/.exec(file) ?? [];
  const plain = decode(path);
  if (plain.startsWith('#') || plain.includes('\0')) return { kind: 'refused' };
  return { kind: 'file', path: plain, ...(line === undefined ? {} : { line: Number(line) }) };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A stray % is part of the name.
    return path;
  }
}
