import * as vscode from 'vscode';
import type { TerminalLook } from '../../shared/terminalView.ts';

/** Settings that say how a terminal looks; a change of them is shown at once. */
export const LOOK_SECTIONS = ['terminal.integrated', 'editor.fontFamily', 'editor.accessibilitySupport'];

/** What the person has set for VS Code's own terminals. */
export function readLook(title: string): TerminalLook {
  const terminal = vscode.workspace.getConfiguration('terminal.integrated');
  const editor = vscode.workspace.getConfiguration('editor');
  const number = (name: string, otherwise: number, least: number) => {
    const value = Number(terminal.get<unknown>(name));
    return Number.isFinite(value) && value >= least ? value : otherwise;
  };
  const text = (name: string) => String(terminal.get<unknown>(name) ?? '');
  const style = text('cursorStyle');
  return {
    title,
    fontFamily: text('fontFamily') || editor.get<string>('fontFamily') || 'monospace',
    fontSize: number('fontSize', 14, 6),
    fontWeight: text('fontWeight') || 'normal',
    fontWeightBold: text('fontWeightBold') || 'bold',
    lineHeight: number('lineHeight', 1, 1),
    letterSpacing: number('letterSpacing', 0, -5),
    // VS Code calls a bar a line.
    cursorStyle: style === 'underline' ? 'underline' : style === 'line' ? 'bar' : 'block',
    cursorBlink: terminal.get('cursorBlinking') === true,
    minimumContrastRatio: number('minimumContrastRatio', 4.5, 1),
    macOptionIsMeta: terminal.get('macOptionIsMeta') === true,
    screenReader: editor.get('accessibilitySupport') === 'on',
  };
}
