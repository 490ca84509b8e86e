import type { TurnId } from '../../shared/session.ts';
import type { BlobStore } from './blobStore.ts';
import type { CopyLimits } from './limits.ts';
import type { Slices } from './slices.ts';
import { hashesOf } from './turnRecord.ts';
import type { TurnRecords } from './turnRecords.ts';

/**
 * Keeps the records of the latest turns and the copies that they, or `inUse`, need; everything else is removed.
 * Nothing may write copies meanwhile.
 */
export async function collectGarbage(deps: {
  readonly records: TurnRecords;
  readonly blobs: BlobStore;
  readonly limits: CopyLimits;
  readonly slices: Slices;
  /** Copies that manifests in memory rely on. */
  readonly inUse: ReadonlySet<string>;
}): Promise<void> {
  const { records, blobs, limits, slices, inUse } = deps;
  const sizes = new Map<string, number>();
  for await (const { hash, size } of blobs.list(slices)) sizes.set(hash, size);
  const kept = new Set(inUse);
  let bytes = total(inUse, sizes);
  let turns = 0;
  let full = false;
  // Newest first; from the first one that does not fit on, all go.
  for (const turn of records.list().reverse()) {
    await slices.pause();
    const added = full ? [] : [...newHashes(records, turn, kept)];
    const more = total(added, sizes);
    full ||= turns >= limits.turns || (turns > 0 && bytes + more > limits.keptBytes);
    if (full) {
      records.remove(turn);
      continue;
    }
    turns++;
    bytes += more;
    for (const hash of added) kept.add(hash);
  }
  for (const hash of sizes.keys()) {
    await slices.pause();
    if (!kept.has(hash)) blobs.remove(hash);
  }
}

function newHashes(records: TurnRecords, turn: TurnId, kept: ReadonlySet<string>): Set<string> {
  return new Set([...hashesOf(records.read(turn))].filter((hash) => !kept.has(hash)));
}

function total(hashes: Iterable<string>, sizes: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const hash of hashes) sum += sizes.get(hash) ?? 0;
  return sum;
}
