/** Exit statuses: part of the CLI's contract. */
export const EXIT = { done: 0, failed: 1, usage: 2, bridgeRunning: 3, interrupted: 130 } as const;

/** Wrong usage: exit status 2, with the command's usage. */
export class UsageError extends Error {}
