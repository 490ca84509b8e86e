import * as z from 'zod/mini';
import type { ChangedFile } from '../../shared/changes.ts';

/** What is kept of a turn's changes: the list, and which copies its files are. Written once. */

const path = z.string();
const mode = z.int();

const side = z.object({
  type: z.enum(['file', 'link']),
  mode,
  size: z.number(),
  hash: z.exactOptional(z.string()),
});

const file = z.object({
  path,
  kind: z.enum(['add', 'update', 'delete', 'rename', 'mode']),
  movedTo: z.exactOptional(path),
  type: z.enum(['file', 'link']),
  binary: z.boolean(),
  modeBefore: z.exactOptional(mode),
  modeAfter: z.exactOptional(mode),
  added: z.int(),
  removed: z.int(),
  notRevertible: z.exactOptional(z.string()),
  before: z.exactOptional(side),
  after: z.exactOptional(side),
});

export const turnRecordSchema = z.object({
  version: z.literal(1),
  files: z.array(file),
  addedDirectories: z.array(path),
  removedDirectories: z.array(z.object({ path, mode })),
  overlaps: z.array(z.string()),
  excluded: z.array(z.object({ path, reason: z.enum(['ignored', 'special', 'unreadable']) })),
  notes: z.array(z.string()),
  complete: z.boolean(),
  /** Made on a copy; `applied`: the folder has got it since, so that it can be reverted like any other. */
  preview: z.exactOptional(z.enum(['open', 'applied'])),
});

const mark = z.enum(['open', 'kept', 'reverted']);

/** What a person did with a file as a whole, and with its hunks by their index. */
const fileMarks = z.object({ file: mark, hunks: z.record(z.string(), mark) });

/** By path. Pairs, because a path may be any word, `__proto__` too. */
export const marksSchema = z.array(z.tuple([path, fileMarks]));

export type RecordedSide = z.infer<typeof side>;
export type RecordedFile = z.infer<typeof file>;
export type TurnRecord = z.infer<typeof turnRecordSchema>;
export type FileMarks = z.infer<typeof fileMarks>;
export type Marks = Map<string, FileMarks>;

/** A recorded file as others are told of it: without its copies. */
export function changedFile({ before: _before, after: _after, ...rest }: RecordedFile): ChangedFile {
  return rest;
}

/** Every copy that the record needs. */
export function* hashesOf(record: TurnRecord): Generator<string> {
  for (const { before, after } of record.files) {
    if (before?.hash !== undefined) yield before.hash;
    if (after?.hash !== undefined) yield after.hash;
  }
}
