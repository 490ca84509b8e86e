import type { ChangedFile } from '../../shared/changes.ts';
import { splitLines } from '../../shared/lines.ts';
import type { BlobStore } from './blobStore.ts';
import type { Comparison, Difference } from './compare.ts';
import type { CopyLimits } from './limits.ts';
import { countLines, diffLines } from './lines.ts';
import type { Entry } from './manifest.ts';
import type { Slices } from './slices.ts';
import { isBinary, textOf } from './text.ts';
import type { RecordedFile, RecordedSide, TurnRecord } from './turnRecord.ts';

interface Counts {
  readonly binary: boolean;
  readonly added: number;
  readonly removed: number;
}

/** A comparison with its lines counted, as it is kept. Past `until` (monotonic ms) nothing more is counted. */
export async function recordOf(
  comparison: Comparison,
  about: Pick<TurnRecord, 'overlaps' | 'excluded' | 'notes'>,
  deps: { blobs: BlobStore; limits: CopyLimits; slices: Slices; late: () => boolean },
): Promise<TurnRecord> {
  const files: RecordedFile[] = [];
  let uncounted = 0;
  for (const difference of comparison.files) {
    await deps.slices.pause();
    let counts: Counts = { binary: false, added: 0, removed: 0 };
    if (deps.late()) uncounted++;
    else counts = await countsOf(difference, deps.blobs);
    files.push(fileOf(difference, counts, deps.limits));
  }
  const late =
    uncounted === 0 ? [] : [`The changed lines of ${uncounted} files were not counted: it took too long.`];
  return {
    version: 1,
    files,
    addedDirectories: [...comparison.addedDirectories],
    removedDirectories: [...comparison.removedDirectories],
    ...about,
    notes: [...about.notes, ...late],
    complete: true,
  };
}

function fileOf(difference: Difference, counts: Counts, limits: CopyLimits): RecordedFile {
  const { kind, path, movedTo, before, after } = difference;
  const why = notRevertible(difference, limits);
  const file: ChangedFile = {
    path,
    kind,
    ...(movedTo === undefined ? {} : { movedTo }),
    type: linkOrFile(before?.type === 'link' || after?.type === 'link'),
    ...counts,
    ...(before === undefined ? {} : { modeBefore: before.mode }),
    ...(after === undefined ? {} : { modeAfter: after.mode }),
    ...(why === undefined ? {} : { notRevertible: why }),
  };
  return {
    ...file,
    ...(before === undefined ? {} : { before: sideOf(before) }),
    ...(after === undefined ? {} : { after: sideOf(after) }),
  };
}

function sideOf(entry: Entry): RecordedSide {
  return {
    type: linkOrFile(entry.type === 'link'),
    mode: entry.mode,
    size: entry.size,
    ...(entry.hash === undefined ? {} : { hash: entry.hash }),
  };
}

function linkOrFile(isLink: boolean): 'link' | 'file' {
  return isLink ? 'link' : 'file';
}

function notRevertible({ before, after }: Difference, limits: CopyLimits): string | undefined {
  const missing = [before, after].find((entry) => entry !== undefined && entry.hash === undefined);
  switch (missing?.notCopied) {
    case undefined:
      return undefined;
    case 'too_large':
      return `It is larger than ${inMB(limits.fileBytes)}, so no copy was made of it.`;
    case 'folder_too_large':
      return `The files of the folder are more than ${inMB(limits.folderBytes)} in all, so no copy was made of it.`;
    case 'unreadable':
      return 'It could not be read, so no copy was made of it.';
  }
}

function inMB(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}

async function countsOf({ before, after }: Difference, blobs: BlobStore): Promise<Counts> {
  const old = before?.hash === undefined ? undefined : await blobs.read(before.hash);
  const same = before?.hash === after?.hash;
  const now = same ? old : after?.hash === undefined ? undefined : await blobs.read(after.hash);
  const binary = [old, now].some((bytes) => bytes !== undefined && isBinary(bytes));
  const unknown = (before !== undefined && old === undefined) || (after !== undefined && now === undefined);
  if (binary || same || unknown) return { binary, added: 0, removed: 0 };
  return { binary, ...countLines(diffLines(splitLines(textOf(old)), splitLines(textOf(now)))) };
}
