import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type { PinnedDirectory } from './pinnedDirectory.ts';

/** A file or link as it is on the disk right now. */
export interface DiskFile {
  readonly type: 'file' | 'link' | 'other';
  readonly mode: number;
  /** A link's target; empty for what is neither file nor link. */
  readonly bytes: Buffer;
}

/** Far beyond what a copy has: such a file is not what any turn left, and is not read. Bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Undefined where nothing is. */
export function readDiskFile(directory: PinnedDirectory, name: string): DiskFile | undefined {
  const path = directory.child(name);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const mode = stats.mode & 0o7777;
  if (stats.isSymbolicLink())
    return { type: 'link', mode, bytes: readlinkSync(path, { encoding: 'buffer' }) };
  if (!stats.isFile() || stats.size > MAX_BYTES) return { type: 'other', mode, bytes: Buffer.alloc(0) };
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const fd = openSync(path, flags);
  try {
    const opened = fstatSync(fd);
    if (!opened.isFile()) return { type: 'other', mode, bytes: Buffer.alloc(0) };
    return { type: 'file', mode: opened.mode & 0o7777, bytes: readFileSync(fd) };
  } finally {
    closeSync(fd);
  }
}

/** Puts a file or link there, whole or not at all, in place of what is there. */
export function writeDiskFile(directory: PinnedDirectory, name: string, file: DiskFile): void {
  const draft = directory.child(`.${name.slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    if (file.type === 'link') {
      symlinkSync(file.bytes, draft);
    } else {
      const fd = openSync(draft, 'wx', 0o600);
      try {
        writeFileSync(fd, file.bytes);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      chmodSync(draft, file.mode);
    }
    renameSync(draft, directory.child(name));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

export function removeDiskFile(directory: PinnedDirectory, name: string): void {
  unlinkSync(directory.child(name));
}

export function setMode(directory: PinnedDirectory, name: string, mode: number): void {
  // The caller has just seen that it is a file: chmod would go through a link.
  chmodSync(directory.child(name), mode);
}
