/** One file of a unified diff. Paths are as the diff names them, without `a/` and `b/`. */
export interface DiffFile {
  readonly path: string;
  readonly kind: 'add' | 'delete' | 'update';
  /** Lines; 0 where the file is binary. */
  readonly added: number;
  readonly removed: number;
  /** Set when the file was renamed. */
  readonly movedTo?: string;
  readonly binary?: true;
}

/** More files than this are not listed: nobody reads them one by one, and the memory is bounded. */
export const MAX_DIFF_FILES = 5_000;

/** The files of a unified diff as git writes it (`turn/diff/updated`), at most {@link MAX_DIFF_FILES}. */
export function diffFiles(diff: string): DiffFile[] {
  const files: DiffFile[] = [];
  let file: OpenFile | undefined;
  for (const { line, sign } of walk(diff)) {
    if (sign === '+' && file !== undefined) file.added++;
    else if (sign === '-' && file !== undefined) file.removed++;
    if (sign !== undefined) continue;
    // A diff without git's own lines begins a file with "--- ".
    if (line.startsWith('diff --git ') || (line.startsWith('--- ') && (file === undefined || file.sawNew))) {
      if (file !== undefined) files.push(closed(file));
      if (files.length >= MAX_DIFF_FILES) return files;
      file = { added: 0, removed: 0, sawNew: false, kind: 'update', binary: false };
    }
    if (file !== undefined) readHeader(file, line);
  }
  if (file !== undefined) files.push(closed(file));
  return files;
}

/** Added and removed lines of one file's hunks. */
export function countLines(hunks: string): { added: number; removed: number } {
  let added = 0;
  let removed = 0;
  for (const { sign } of walk(hunks)) {
    if (sign === '+') added++;
    else if (sign === '-') removed++;
  }
  return { added, removed };
}

/**
 * The same diff with its paths relative to a subfolder: `a/sub/x` becomes `a/x` for the prefix `sub`. What lies
 * beside the subfolder gets `..` in front.
 */
export function rebaseDiff(diff: string, prefix: string): string {
  if (prefix === '') return diff;
  const out: string[] = [];
  for (const { line, sign } of walk(diff)) out.push(sign === undefined ? rebaseHeader(line, prefix) : line);
  return out.join('\n');
}

interface OpenFile {
  old?: string | null;
  new?: string | null;
  sawNew: boolean;
  kind: DiffFile['kind'];
  added: number;
  removed: number;
  binary: boolean;
}

function readHeader(file: OpenFile, line: string): void {
  if (line.startsWith('diff --git ')) {
    const names = splitGitHeader(line);
    if (names === undefined) return;
    file.old = unprefixed(names[0]);
    file.new = unprefixed(names[1]);
  } else if (line.startsWith('new file mode ')) file.kind = 'add';
  else if (line.startsWith('deleted file mode ')) file.kind = 'delete';
  else if (line.startsWith('rename from ')) file.old = unquoted(line.slice(12));
  else if (line.startsWith('rename to ')) file.new = unquoted(line.slice(10));
  else if (line.startsWith('copy to ')) {
    file.kind = 'add';
    file.new = unquoted(line.slice(8));
  } else if (line.startsWith('--- ')) file.old = unprefixed(line.slice(4));
  else if (line.startsWith('+++ ')) {
    file.new = unprefixed(line.slice(4));
    file.sawNew = true;
  } else if (line.startsWith('Binary files ') || line === 'GIT binary patch') file.binary = true;
}

function closed(file: OpenFile): DiffFile {
  const { old, new: now, added, removed } = file;
  const kind = old === null ? 'add' : now === null ? 'delete' : file.kind;
  const path = (kind === 'add' ? (now ?? old) : (old ?? now)) ?? '';
  const moved = kind === 'update' && typeof now === 'string' && now !== path;
  return {
    path,
    kind,
    added,
    removed,
    ...(moved ? { movedTo: now } : {}),
    ...(file.binary ? { binary: true as const } : {}),
  };
}

/**
 * The lines of a diff; `sign` is set for those inside of hunks, told by the counts of the hunk's head, so that
 * a removed line "-- x" is not taken for the head of a file.
 */
function* walk(diff: string): Generator<{ line: string; sign?: '+' | '-' | ' ' }> {
  let oldLeft = 0;
  let newLeft = 0;
  for (let from = 0; from <= diff.length; ) {
    const end = diff.indexOf('\n', from);
    const line = diff.slice(from, end < 0 ? undefined : end);
    from = end < 0 ? diff.length + 1 : end + 1;
    const first = line[0];
    if (oldLeft > 0 || newLeft > 0) {
      if (first === '+') newLeft--;
      else if (first === '-') oldLeft--;
      else if (first !== '\\') {
        oldLeft--;
        newLeft--;
      }
      yield { line, sign: first === '+' || first === '-' ? first : ' ' };
      continue;
    }
    const head = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (head !== null) {
      oldLeft = Number(head[1] ?? 1);
      newLeft = Number(head[2] ?? 1);
    }
    yield { line };
  }
}

/** Both names of a `diff --git` line, still with `a/` and `b/`. Unquoted names with " b/" inside are ambiguous. */
function splitGitHeader(line: string): [string, string] | undefined {
  const rest = line.slice('diff --git '.length);
  const quoted = /^("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)$/.exec(rest);
  if (quoted?.[1] !== undefined && quoted[2] !== undefined) return [quoted[1], quoted[2]];
  const middle = (rest.length - 1) / 2;
  const [left, right] = [rest.slice(0, middle), rest.slice(middle + 1)];
  if (left.slice(2) === right.slice(2)) return [left, right];
  const at = rest.indexOf(' b/');
  return at < 0 ? undefined : [rest.slice(0, at), rest.slice(at + 1)];
}

/** The path of a `---`, `+++` or `diff --git` line; null for /dev/null. */
function unprefixed(name: string): string | null {
  const path = unquoted(name);
  if (path === '/dev/null') return null;
  return /^[ab]\//.test(path) ? path.slice(2) : path;
}

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** git quotes names with unusual bytes as C strings; with spaces it ends them with a tab. */
function unquoted(name: string): string {
  const text = name.replace(/\t$/, '');
  if (!/^".*"$/.test(text)) return text;
  const byte = (value: number) => `%${value.toString(16).padStart(2, '0')}`;
  let encoded = '';
  for (const [part, octal, escaped] of text.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|[^\\]+/gs)) {
    if (octal !== undefined) encoded += byte(Number.parseInt(octal, 8));
    else if (escaped !== undefined) encoded += byte(ESCAPES[escaped] ?? escaped.charCodeAt(0));
    else encoded += encodeURIComponent(part.toWellFormed());
  }
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    // No UTF-8: each byte of the name as a character of its own.
    return encoded.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}

function rebaseHeader(line: string, prefix: string): string {
  if (line.startsWith('diff --git ')) {
    const names = splitGitHeader(line);
    if (names === undefined) return line;
    return `diff --git ${rebaseName(names[0], prefix)} ${rebaseName(names[1], prefix)}`;
  }
  const head = /^(--- |\+\+\+ |rename from |rename to |copy from |copy to )(.*)$/s.exec(line);
  if (head?.[1] === undefined || head[2] === undefined) return line;
  return `${head[1]}${rebaseName(head[2], prefix)}`;
}

function rebaseName(name: string, prefix: string): string {
  const path = unquoted(name);
  if (path === '/dev/null') return name;
  const side = /^[ab]\//.exec(path)?.[0] ?? '';
  const bare = path.slice(side.length);
  const up = '../'.repeat(prefix.split('/').length);
  const rebased = bare.startsWith(`${prefix}/`) ? bare.slice(prefix.length + 1) : `${up}${bare}`;
  return requoted(`${side}${rebased}`);
}

/** Control characters, quotes and backslashes must not break the line; all else stays readable. */
function requoted(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const unusual = /[\x00-\x1f"\\\x7f]/g;
  if (!unusual.test(path)) return path;
  const escaped = path.replace(unusual, (char) =>
    char === '"' || char === '\\' ? `\\${char}` : `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return `"${escaped}"`;
}
