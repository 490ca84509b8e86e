import type { Attachment } from '../shared/faces.ts';

/** A piece of a document: lines are 1-based and inclusive. */
export interface Piece {
  /** Relative to its folder, with `/`. */
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly text: string;
}

/** A problem as VS Code's problems list shows it. */
export interface Problem {
  readonly line: number;
  readonly message: string;
  readonly severity: 'error' | 'warning' | 'information' | 'hint';
  /** Who found it: a compiler or a linter. */
  readonly source?: string;
}

export const EXPLAIN = 'Explain this code: what it does, how, and what is easy to get wrong about it.';
export const GENERATE_TESTS =
  'Write tests for this code. Use the test framework and the habits that the project already has, and run them if you can.';

/** Read-only: the turn can change nothing, whatever the text says. */
export function planPrompt(goal: string): string {
  return `Plan how you would do the following. Look at what you need to, but change nothing. End with numbered steps, each with the files that it touches.\n\n${goal}`;
}

/** What is in the editor may not be saved: it goes as text, under the place that it has in the file. */
export function attachmentOf({ path, startLine, endLine, text }: Piece): Attachment {
  const lines = startLine === endLine ? `${startLine}` : `${startLine}-${endLine}`;
  return { kind: 'text', name: `${path}:${lines}`, text };
}

export function fixPrompt(path: string, problems: readonly Problem[]): string {
  const list = problems.map(
    ({ line, message, severity, source }) =>
      `- ${path}:${line}: ${severity}${source === undefined ? '' : ` (${source})`}: ${message}`,
  );
  return `Fix ${problems.length === 1 ? 'this problem' : 'these problems'}:\n\n${list.join('\n')}`;
}
