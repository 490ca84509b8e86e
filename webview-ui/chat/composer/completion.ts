/** What is being typed that a list can complete: a command at the very beginning, or `@` at a word's beginning. */
export interface Completion {
  readonly kind: 'command' | 'context';
  readonly query: string;
  /** Where it stands in the text, from its `/` or `@` to the caret. */
  readonly from: number;
  readonly to: number;
}

export function completionAt(text: string, caret: number): Completion | null {
  const before = text.slice(0, caret);
  const command = /^\/([a-z]*)$/.exec(before)?.[1];
  if (command !== undefined) return { kind: 'command', query: command, from: 0, to: caret };
  const query = /(?:^|\s)@([^\s@]*)$/.exec(before)?.[1];
  if (query === undefined) return null;
  return { kind: 'context', query, from: caret - query.length - 1, to: caret };
}

/** The text without what was completed. */
export function without(text: string, { from, to }: Completion): string {
  return text.slice(0, from) + text.slice(to);
}
