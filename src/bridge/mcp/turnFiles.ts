import type { ChangedFile as TurnChangedFile } from '../../shared/changes.ts';
import type { FileChange, TurnSnapshot } from '../../shared/session.ts';

/** One changed file of a turn; lines added and removed. */
export interface ChangedFile {
  readonly path: string;
  readonly kind: 'add' | 'delete' | 'update';
  readonly moved_to?: string;
  readonly added: number;
  readonly removed: number;
}

/**
 * The files that a turn changed: from the disk where it was compared, and from Codex for what was not looked at
 * there. Otherwise what Codex tells: its diff of the whole turn knows the sum of all edits to a file, its file
 * changes know files that the diff leaves out.
 */
export function filesOf(turn: TurnSnapshot): ChangedFile[] {
  const told = toldByCodex(turn);
  if (turn.changes?.complete !== true) return told;
  const { files, excluded } = turn.changes;
  const elsewhere = told.filter(
    ({ path }) =>
      isAbsolute(path) ||
      excluded.some((one) => (one.path.endsWith('/') ? path.startsWith(one.path) : path === one.path)),
  );
  return [...files.map(fromDisk), ...elsewhere];
}

function fromDisk({ path, kind, movedTo, added, removed }: TurnChangedFile): ChangedFile {
  return {
    path,
    kind: kind === 'add' || kind === 'delete' ? kind : 'update',
    ...(movedTo === undefined ? {} : { moved_to: movedTo }),
    added,
    removed,
  };
}

/** Codex names files outside of the folder from the root. */
function isAbsolute(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path);
}

function toldByCodex(turn: TurnSnapshot): ChangedFile[] {
  const items = fromItems(turn);
  const files = new Map<string, ChangedFile>();
  for (const file of parseDiff(turn.diff)) {
    // The diff may name files from the repository's root, the items name them from the folder.
    const known = [...items.keys()].find((path) => path === file.path || file.path.endsWith(`/${path}`));
    const path = known ?? file.path;
    files.set(path, { ...file, path });
  }
  for (const [path, file] of items) {
    if (!files.has(path) && !(file.moved_to !== undefined && files.has(file.moved_to))) files.set(path, file);
  }
  return [...files.values()];
}

function fromItems(turn: TurnSnapshot): Map<string, ChangedFile> {
  const files = new Map<string, ChangedFile>();
  for (const item of turn.items) {
    if (item.type !== 'file_change' || item.status !== 'completed') continue;
    for (const change of item.changes) files.set(change.path, addTo(files.get(change.path), change));
  }
  return files;
}

function addTo(before: ChangedFile | undefined, change: FileChange): ChangedFile {
  return {
    path: change.path,
    // Added and then edited is still added.
    kind: before?.kind === 'add' && change.kind === 'update' ? 'add' : change.kind,
    ...(change.movedTo === undefined ? {} : { moved_to: change.movedTo }),
    added: (before?.added ?? 0) + change.added,
    removed: (before?.removed ?? 0) + change.removed,
  };
}

/** Paths, kinds and line counts of a git diff. */
export function parseDiff(diff: string): ChangedFile[] {
  const files: ChangedFile[] = [];
  for (const part of diff.split(/^diff --git /m).slice(1)) {
    const file = parseFile(part);
    if (file !== undefined) files.push(file);
  }
  return files;
}

function parseFile(part: string): ChangedFile | undefined {
  const hunks = part.search(/^@@ /m);
  const head = hunks < 0 ? part : part.slice(0, hunks);
  const from = name(head, '---', 'a/') ?? headerField(head, 'rename from ');
  const to = name(head, '+++', 'b/') ?? headerField(head, 'rename to ');
  const fallback = / b\/(.*)$/m.exec(head)?.[1];
  const path = to ?? from ?? fallback;
  if (path === undefined) return undefined;
  let added = 0;
  let removed = 0;
  if (hunks >= 0) {
    for (const text of part.slice(hunks).split('\n')) {
      if (text.startsWith('+')) added++;
      else if (text.startsWith('-')) removed++;
    }
  }
  const isNew = /^new file mode/m.test(head);
  const isGone = /^deleted file mode/m.test(head);
  const moved = !isNew && !isGone && from !== undefined && to !== undefined && from !== to;
  return {
    path: moved ? from : path,
    kind: isNew ? 'add' : isGone ? 'delete' : 'update',
    ...(moved ? { moved_to: to } : {}),
    added,
    removed,
  };
}

/** The file of a `---` or `+++` line; git quotes names with unusual characters. */
function name(head: string, mark: string, prefix: string): string | undefined {
  const rest = new RegExp(`^${mark === '+++' ? '\\+\\+\\+' : mark} (.*)$`, 'm')
    .exec(head)?.[1]
    ?.split('\t')[0];
  if (rest === undefined || rest === '/dev/null') return undefined;
  const plain = unquote(rest);
  return plain.startsWith(prefix) ? plain.slice(prefix.length) : plain;
}

function headerField(head: string, label: string): string | undefined {
  const rest = new RegExp(`^${label}(.*)$`, 'm').exec(head)?.[1];
  return rest === undefined ? undefined : unquote(rest);
}

/** Undoes git's C-style quoting: octal escapes are bytes of UTF-8. */
function unquote(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"')) return text;
  const bytes: number[] = [];
  const inner = text.slice(1, -1);
  for (const match of inner.matchAll(/\\([0-7]{3}|.)|[^\\]+/gs)) {
    const code = match[1];
    if (code === undefined) bytes.push(...Buffer.from(match[0]));
    else if (code.length === 3) bytes.push(Number.parseInt(code, 8));
    else bytes.push(...Buffer.from(({ n: '\n', t: '\t', r: '\r' } as Record<string, string>)[code] ?? code));
  }
  return Buffer.from(bytes).toString();
}
