import { visibleProse } from '../shared/visible.ts';

/**
 * Text for VS Code's notifications and dialogs, which make a link of `[a](command:b)` that runs the command: what
 * others wrote (titles, paths, errors of Codex's) never becomes one, and nothing in it hides.
 */
export function noticeText(text: string): string {
  return visibleProse(text).replaceAll('](', '] (');
}
