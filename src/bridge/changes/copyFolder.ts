import { chmodSync, constants, lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from './blobStore.ts';
import { type Entry, entryFrom, type Manifest } from './manifest.ts';
import { Slices } from './slices.ts';

export interface CopiedFolder {
  /** The copy as it is before anybody works in it. */
  readonly manifest: Manifest;
  /** What is not in it, and should be: sentences. */
  readonly notes: readonly string[];
}

/**
 * Makes a copy of a folder as a look at it found it: files, links as links, directories, permissions. What was
 * ignored is not in it. `target` is there and empty.
 */
export async function copyFolder(
  { entries, ...look }: Manifest,
  place: { readonly folder: string; readonly target: string },
  deps: { readonly blobs: BlobStore; readonly signal: AbortSignal; now(): number },
): Promise<CopiedFolder> {
  const slices = new Slices(deps.signal);
  const copied = new Map<string, Entry>();
  const missing: string[] = [];
  for (const [path, entry] of entries) {
    await slices.pause();
    const target = join(place.target, path);
    if (!(await copyEntry(entry, join(place.folder, path), target, deps.blobs))) {
      missing.push(path);
      continue;
    }
    const { hash, notCopied } = entry;
    copied.set(path, {
      ...entryFrom(lstatSync(target), entry.type, deps.now()),
      ...(hash === undefined ? {} : { hash }),
      ...(notCopied === undefined ? {} : { notCopied }),
    });
  }
  return {
    manifest: { ...look, entries: copied },
    notes: missing.length === 0 ? [] : [missingNote(missing)],
  };
}

/** False for what can't be read, or is not there any more. */
async function copyEntry(entry: Entry, source: string, target: string, blobs: BlobStore): Promise<boolean> {
  if (entry.type === 'dir') {
    mkdirSync(target);
    // Its owner must be able to work in it, and to remove it.
    chmodSync(target, entry.mode | 0o700);
    return true;
  }
  if (entry.type === 'link') {
    if (entry.hash === undefined) return false;
    return link(await blobs.read(entry.hash), target);
  }
  if (entry.hash !== undefined) {
    blobs.copyTo(entry.hash, target);
  } else {
    // Too large for the store: from its place. What it was a moment ago, nobody knows.
    const done = await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE).then(
      () => true,
      (error: unknown) => {
        if (isUnreadable(error)) return false;
        throw error;
      },
    );
    if (!done) return false;
  }
  chmodSync(target, entry.mode);
  return true;
}

/** Windows lets not everybody make links. */
function link(to: Buffer, path: string): boolean {
  try {
    symlinkSync(to, path);
    return true;
  } catch (error) {
    if (isUnreadable(error)) return false;
    throw error;
  }
}

function isUnreadable(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return (
    code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'EPERM' || code === 'EISDIR'
  );
}

function missingNote(paths: readonly string[]): string {
  const named = paths.slice(0, 5).join(', ');
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  return `The copy was made without what could not be copied: ${named}${more}.`;
}
