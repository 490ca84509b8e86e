import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  opendirSync,
  openSync,
  readFile,
  readFileSync,
  readlinkSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExcludedPath } from '../../shared/changes.ts';
import type { BlobStore } from './blobStore.ts';
import { outerRules } from './gitRules.ts';
import { IgnoreRules } from './ignoreRules.ts';
import type { CopyLimits } from './limits.ts';
import { type Entry, entryFrom, type Manifest, sameStats } from './manifest.ts';
import { RuleFiles } from './ruleFiles.ts';
import { Slices } from './slices.ts';

/** Files up to this size are read in one go; larger ones by the thread pool. Bytes. */
const SMALL = 256 * 1024;
/** Paths without a copy that are remembered for the list of what was not looked at. */
const MAX_EXCLUDED = 1000;
/** How often a file that changes while it is read is read again. */
const READ_TRIES = 3;

const readWhole = promisify(readFile);

export interface ScannerDeps {
  /** Real path of the folder. */
  readonly folder: string;
  readonly blobs: BlobStore;
  readonly limits: CopyLimits;
  /** Real path of the folder whose place decides which rules above it hold; absent: the folder itself. */
  readonly rulesOf?: string;
  /** Real paths that are never looked at: the bridge's own state. */
  readonly without: readonly string[];
  /** Milliseconds since the epoch, to be compared with times of files. */
  now(): number;
}

/** One scan while it goes on. */
interface Scan {
  readonly now: number;
  readonly slices: Slices;
  readonly entries: Map<string, Entry>;
  readonly excluded: ExcludedPath[];
  readonly rules: IgnoreRules;
  bytes: number;
  overflow: boolean;
}

/** Looks at a folder, and copies what has changed since it was last looked at. */
export class FolderScanner {
  readonly #deps: ScannerDeps;
  readonly #ruleFiles = new RuleFiles(process.platform === 'win32' || process.platform === 'darwin');

  constructor(deps: ScannerDeps) {
    this.#deps = deps;
  }

  /** `known`: what the last scan saw; it is brought up to date along the way, also by a scan that is aborted. */
  async scan(known: Map<string, Entry>, signal: AbortSignal): Promise<Manifest> {
    const { folder, limits, rulesOf = folder } = this.#deps;
    const now = this.#deps.now();
    const { outer, prefix } = outerRules(rulesOf, this.#ruleFiles, now);
    const scan: Scan = {
      now,
      slices: new Slices(signal),
      entries: new Map(),
      excluded: [],
      rules: new IgnoreRules(outer, prefix),
      bytes: 0,
      overflow: false,
    };
    const stack = [''];
    for (let directory = stack.pop(); directory !== undefined; directory = stack.pop()) {
      const children = await this.#list(directory, scan);
      for (const child of children) {
        await scan.slices.pause();
        const path = directory === '' ? child.name : `${directory}/${child.name}`;
        if (scan.entries.size >= limits.files) {
          scan.overflow = true;
          return manifestOf(scan);
        }
        const entry = await this.#look(path, child, known.get(path), scan);
        if (entry === undefined) continue;
        scan.entries.set(path, entry);
        known.set(path, entry);
        if (entry.type === 'dir') stack.push(path);
      }
    }
    for (const path of known.keys()) if (!scan.entries.has(path)) known.delete(path);
    return manifestOf(scan);
  }

  /**
   * A later look, with what was known before whatever the rules say now: a turn that writes `*` into a .gitignore
   * file has deleted nothing. So is what a scan that found too much did not come to.
   */
  async withHidden(before: Manifest, after: Manifest, signal: AbortSignal): Promise<Manifest> {
    const hidden = new Map<string, Entry>();
    const slices = new Slices(signal);
    for (const [path, entry] of before.entries) {
      if (entry.type === 'dir' || after.entries.has(path)) continue;
      await slices.pause();
      const now = await this.entryAt(path, entry);
      if (now !== undefined) hidden.set(path, now);
    }
    return hidden.size === 0 ? after : { ...after, entries: new Map([...after.entries, ...hidden]) };
  }

  /** One path as it is now, whatever the rules say; undefined where no file or link is, or a link leads to it. */
  async entryAt(path: string, known: Entry | undefined): Promise<Entry | undefined> {
    const { folder } = this.#deps;
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const parent = lstat(join(folder, parts.slice(0, depth).join('/')));
      if (parent?.isDirectory() !== true) return undefined;
    }
    const stats = lstat(join(folder, path));
    if (stats === undefined || !(stats.isFile() || stats.isSymbolicLink())) return undefined;
    return await this.#entry(path, stats, known, this.#deps.now(), true);
  }

  /** What is in a directory, by name; its own rules are read first. */
  async #list(directory: string, scan: Scan): Promise<Dirent[]> {
    const absolute = join(this.#deps.folder, directory);
    let children: Dirent[];
    try {
      children = await this.#children(absolute, scan);
    } catch (error) {
      scan.slices.check();
      if (directory === '') throw error;
      exclude(scan, `${directory}/`, 'unreadable');
      return [];
    }
    const own = children.find((child) => child.name === '.gitignore' && child.isFile());
    if (own !== undefined) {
      const base = directory === '' ? [] : directory.split('/');
      const rules = this.#ruleFiles.read(join(absolute, own.name), base, scan.now);
      if (rules !== undefined) scan.rules.add(directory, rules);
    }
    return children.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** No more than are looked at in all: the directory may have millions. */
  async #children(absolute: string, scan: Scan): Promise<Dirent[]> {
    const children: Dirent[] = [];
    const directory = opendirSync(absolute, { bufferSize: 256 });
    try {
      for (let child = directory.readSync(); child !== null; child = directory.readSync()) {
        children.push(child);
        if (children.length > this.#deps.limits.files) break;
        if (children.length % 256 === 0) await scan.slices.pause();
      }
    } finally {
      directory.closeSync();
    }
    return children;
  }

  async #look(path: string, child: Dirent, known: Entry | undefined, scan: Scan): Promise<Entry | undefined> {
    const isDirectory = child.isDirectory();
    const absolute = join(this.#deps.folder, path);
    if (this.#deps.without.includes(absolute) || scan.rules.matches(path, isDirectory)) {
      exclude(scan, isDirectory ? `${path}/` : path, 'ignored');
      return undefined;
    }
    const stats = lstat(absolute);
    if (stats === undefined) return undefined; // Gone since the directory was read.
    if (stats.isDirectory()) return entryFrom(stats, 'dir', scan.now);
    if (!stats.isFile() && !stats.isSymbolicLink()) {
      exclude(scan, path, 'special');
      return undefined;
    }
    scan.bytes += stats.size;
    return await this.#entry(path, stats, known, scan.now, scan.bytes <= this.#deps.limits.folderBytes);
  }

  async #entry(
    path: string,
    stats: Stats,
    known: Entry | undefined,
    now: number,
    room: boolean,
  ): Promise<Entry | undefined> {
    const seen = entryFrom(stats, stats.isSymbolicLink() ? 'link' : 'file', now);
    const current = known !== undefined && !known.racy && sameStats(known, seen);
    if (current && (known.hash !== undefined || known.notCopied === 'too_large')) return known;
    if (seen.type === 'link') return this.#readLink(path, seen);
    if (seen.size > this.#deps.limits.fileBytes) return { ...seen, notCopied: 'too_large' };
    if (!room) return { ...seen, notCopied: 'folder_too_large' };
    return await this.#readFile(path, seen, now);
  }

  #readLink(path: string, seen: Entry): Entry | undefined {
    try {
      const target = readlinkSync(join(this.#deps.folder, path), { encoding: 'buffer' });
      return { ...seen, hash: this.#deps.blobs.put(target) };
    } catch (error) {
      if (isFault(error)) throw error;
      return undefined; // Gone since.
    }
  }

  /** Reads and copies a file. Times are taken before its bytes: a change while it is read shows the next time. */
  async #readFile(path: string, seen: Entry, now: number): Promise<Entry | undefined> {
    for (let tries = READ_TRIES; ; tries--) {
      let read: { before: Stats; after: Stats; bytes: Buffer } | undefined;
      try {
        read = await readOpened(join(this.#deps.folder, path));
      } catch (error) {
        if (isGone(error)) return undefined;
        return { ...seen, notCopied: 'unreadable' };
      }
      if (read === undefined) return undefined;
      const entry = entryFrom(read.before, 'file', now);
      if (read.bytes.length > this.#deps.limits.fileBytes) return { ...entry, notCopied: 'too_large' };
      const stable = sameStats(entry, entryFrom(read.after, 'file', now));
      if (!stable && tries > 1) continue;
      return { ...entry, racy: entry.racy || !stable, hash: this.#deps.blobs.put(read.bytes) };
    }
  }
}

function manifestOf({ entries, rules, excluded, overflow }: Scan): Manifest {
  return { entries, rules, excluded, overflow };
}

/** The bytes of a regular file, with what the system says of it before and after; undefined where it is none. */
async function readOpened(
  absolute: string,
): Promise<{ before: Stats; after: Stats; bytes: Buffer } | undefined> {
  // Never through a link, and not waiting for the writer of a named pipe. Windows knows neither flag.
  const fd = openSync(
    absolute,
    constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
  );
  try {
    const before = fstatSync(fd);
    if (!before.isFile()) return undefined;
    const bytes = before.size <= SMALL ? readFileSync(fd) : await readWhole(fd);
    return { before, after: fstatSync(fd), bytes };
  } finally {
    closeSync(fd);
  }
}

function exclude(scan: Scan, path: string, reason: ExcludedPath['reason']): void {
  if (scan.excluded.length < MAX_EXCLUDED) scan.excluded.push({ path, reason });
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // Gone or closed to us since its directory was read.
  }
}

/** The disk of the copies fails: unlike a file that is gone, the scan can't go on. */
function isFault(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EROFS' || code === 'EIO';
}

function isGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}
