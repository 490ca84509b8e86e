/** What is wrong with the dependencies, a sentence each. */
export function problemsOf(manifest: unknown, lock: unknown): string[];
