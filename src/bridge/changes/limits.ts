/** What before-turn copies are limited to. Not settings: what lies beyond is said with each turn. */
export interface CopyLimits {
  /** Bytes of one file that is copied. */
  readonly fileBytes: number;
  /** Bytes of all files that are copied. */
  readonly folderBytes: number;
  /** Paths that are looked at. */
  readonly files: number;
  /** How long a turn waits for a scan, in ms. */
  readonly waitMs: number;
  /** Turns of a folder whose copies are kept, and bytes of all copies. */
  readonly turns: number;
  readonly keptBytes: number;
}

const MB = 1024 * 1024;

export const COPY_LIMITS: CopyLimits = {
  fileBytes: 5 * MB,
  folderBytes: 1024 * MB,
  files: 50_000,
  waitMs: 10_000,
  turns: 200,
  keptBytes: 2048 * MB,
};
