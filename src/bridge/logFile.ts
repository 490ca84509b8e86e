import { copyFileSync, fstatSync, statSync, truncateSync } from 'node:fs';

/** Bytes that the log may have; then it is set aside as `….1`, and the one that was there before is dropped. */
export const MAX_LOG_BYTES = 5 * 1024 * 1024;
const STDERR = 2;

/**
 * Writes lines to this process's stderr and keeps the file behind it bounded, where it is `file`. It is copied
 * and emptied, not renamed: whoever started us has given us an open file, and a crash's last words go there.
 */
export function boundedLog(file: string, maxBytes = MAX_LOG_BYTES): (line: string) => void {
  let size = isBehindStderr(file) ? statSync(file).size : undefined;
  return (line) => {
    const text = `${line}\n`;
    process.stderr.write(text);
    if (size === undefined) return;
    size += Buffer.byteLength(text);
    if (size <= maxBytes) return;
    setAside(file);
    size = 0;
  };
}

/** The log as it is becomes `….1`, and begins anew. */
export function setAside(file: string): void {
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

function isBehindStderr(file: string): boolean {
  const [ours, its] = [fstatSync(STDERR), statSync(file, { throwIfNoEntry: false })];
  return its !== undefined && ours.dev === its.dev && ours.ino === its.ino && ours.isFile();
}
