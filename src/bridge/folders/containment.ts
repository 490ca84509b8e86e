import { constants, realpathSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, parse, relative, resolve, sep } from 'node:path';
import { BridgeError } from '../../shared/errors.ts';

/**
 * The real path of an existing directory. The path must be absolute: the bridge's own working directory
 * means nothing to whoever asks.
 *
 * @throws BridgeError `FOLDER_NOT_FOUND`
 */
export async function resolveFolder(path: string): Promise<string> {
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new BridgeError('FOLDER_NOT_FOUND', `"${path}" is no absolute path. Give the folder's whole path.`);
  }
  try {
    // In place: it stands before every turn, and is shorter than the way to another thread and back.
    const real = realpathSync.native(path);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    throw unopened(path, error);
  }
  throw new BridgeError('FOLDER_NOT_FOUND', `"${path}" is a file. Give the folder that it is in.`);
}

/**
 * The folder is still where it was when it was opened: its path, or one above it, may have become a link to
 * another place meanwhile, and Codex would work there. One look, in place: it stands before every turn.
 *
 * @throws BridgeError `FOLDER_NOT_FOUND`
 */
export function requireSameFolder(folderReal: string): void {
  let now: string;
  try {
    now = realpathSync.native(folderReal);
  } catch (error) {
    throw unopened(folderReal, error);
  }
  if (now === folderReal) return;
  throw new BridgeError(
    'FOLDER_NOT_FOUND',
    `"${folderReal}" leads to "${now}" by now. Nothing was started there: open that folder itself, or put the old one back.`,
  );
}

/**
 * Whether a real path is the folder or lies below it, compared by component: `/a/bc` is not inside `/a/b`.
 * Both must be real paths, else a symlink would answer for where it points to.
 */
export function isInside(folderReal: string, candidateReal: string): boolean {
  const path = relative(foldCase(folderReal), foldCase(candidateReal));
  return path === '' || !(path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path));
}

/** Whether a real path lies in a directory for temporary files, where Codex's sandbox lets commands write. */
export function isTemporary(path: string): boolean {
  return [...new Set([tmpdir(), '/tmp'])].some((directory) => {
    try {
      return isInside(realpathSync(directory), path);
    } catch {
      return false; // There is no such directory, so the path is not in it.
    }
  });
}

/** Windows and macOS find a file under any case; real paths there have one spelling, but not always. */
function foldCase(path: string): string {
  return process.platform === 'win32' || process.platform === 'darwin'
    ? path.normalize('NFC').toLowerCase()
    : path;
}

/**
 * The real path of something that exists in the folder; a relative path starts at the folder. What lies
 * outside is refused before it matters whether it exists, so that nothing is learned about it.
 *
 * @throws BridgeError `ATTACHMENT_NOT_FOUND`, `ATTACHMENT_OUTSIDE_FOLDER`
 */
export async function resolveInside(folderReal: string, path: string): Promise<string> {
  if (path === '' || path.includes('\0')) throw notFound(path);
  const candidate = resolve(folderReal, path);
  const { real, missing } = await realAncestor(candidate);
  if (!isInside(folderReal, real)) throw outside(path);
  if (missing !== undefined) throw notFound(path, missing);
  return real;
}

/**
 * Opens a regular file of the folder for reading. What is checked is the opened file itself, so that a
 * directory swapped for a symlink meanwhile leads nowhere. The caller closes the handle.
 *
 * @throws BridgeError `ATTACHMENT_NOT_FOUND`, `ATTACHMENT_OUTSIDE_FOLDER`
 */
export async function openInside(
  folderReal: string,
  path: string,
): Promise<{ handle: FileHandle; real: string; size: number }> {
  const real = await resolveInside(folderReal, path);
  // Non-blocking: opening a named pipe would wait for its writer. Windows knows neither flag.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  let handle: FileHandle;
  try {
    handle = await open(real, flags);
  } catch (error) {
    throw notFound(path, error);
  }
  try {
    const opened = await handle.stat();
    if (!opened.isFile()) {
      throw new BridgeError('ATTACHMENT_NOT_FOUND', `"${path}" is no file. Attach the files themselves.`);
    }
    await checkOpened(folderReal, path, handle, opened);
    return { handle, real, size: opened.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Whether the opened file is the one that was asked for, and inside. Linux tells where a handle leads, which no
 * later swap can change. Elsewhere the path is resolved again: whoever swaps a directory twice at exactly the
 * right moments could still get by.
 */
async function checkOpened(
  folderReal: string,
  path: string,
  handle: FileHandle,
  opened: Stats,
): Promise<void> {
  const at = await handlePath(handle);
  if (at !== undefined) {
    if (!isInside(folderReal, at)) throw outside(path);
    return;
  }
  const again = await resolveInside(folderReal, path);
  const now = await lstat(again).catch((error: unknown) => {
    throw notFound(path, error);
  });
  if (now.ino !== opened.ino || now.dev !== opened.dev) throw outside(path);
}

/** Where a handle leads (Linux: proc(5), `/proc/self/fd`); undefined where nobody tells. */
async function handlePath(handle: FileHandle): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    return await readlink(`/proc/self/fd/${handle.fd}`);
  } catch {
    return undefined; // Without /proc the path is resolved again.
  }
}

/** The real path, or that of the nearest ancestor that exists, with the reason why the rest does not. */
async function realAncestor(path: string): Promise<{ real: string; missing?: unknown }> {
  let missing: unknown;
  for (let at = path; ; at = dirname(at)) {
    try {
      const real = await realpath(at);
      return missing === undefined ? { real } : { real, missing };
    } catch (error) {
      missing ??= error;
      // Not even the root (an unknown drive): nothing of it can be inside.
      if (at === parse(at).root) return { real: at, missing };
    }
  }
}

function unopened(folder: string, cause: unknown): BridgeError {
  return new BridgeError(
    'FOLDER_NOT_FOUND',
    `The folder "${folder}" can't be opened (${codeOf(cause)}). Check that it exists and that you may read it.`,
    { cause },
  );
}

function notFound(path: string, cause?: unknown): BridgeError {
  const why = cause === undefined ? '' : ` (${codeOf(cause)})`;
  return new BridgeError(
    'ATTACHMENT_NOT_FOUND',
    `"${path}" is not there or can't be read${why}. Give a path relative to the folder.`,
    { cause },
  );
}

function outside(path: string): BridgeError {
  return new BridgeError(
    'ATTACHMENT_OUTSIDE_FOLDER',
    `"${path}" is outside the folder of this session. Attach it as text, or open a session in its folder.`,
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
