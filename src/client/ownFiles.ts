import { constants, type Stats } from 'node:fs';
import { lstat, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * The text of a file that only its owner, who is this user, can have written: a regular file and no link, in a
 * directory where nobody else can put one in its place.
 *
 * @param maxBytes what is longer is not what it should be
 * @throws Error when it can't be read, or when another user could have written it
 */
export async function readOwnFile(path: string, maxBytes: number): Promise<string> {
  await checkOwnDirectory(dirname(path));
  // Windows knows neither flag. Non-blocking: opening a named pipe would wait for its writer.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await open(path, flags);
  try {
    const opened = await handle.stat();
    // What is read is what was checked: the opened file, whatever its name leads to by now.
    if (!opened.isFile() || !isOwn(opened)) throw new Error(`${path} is not this user's own file`);
    if (opened.size > maxBytes) throw new Error(`${path} is longer than ${maxBytes} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/**
 * Whether only this user can be listening at a socket: it is theirs, and so is its directory. Node can't ask
 * for the user of a connected peer. Always true on Windows, where sockets are named pipes.
 */
export async function isOwnSocket(path: string): Promise<boolean> {
  if (process.platform === 'win32') return true;
  try {
    await checkOwnDirectory(dirname(path));
    const found = await lstat(path);
    return found.isSocket() && isOwner(found);
  } catch {
    // Not there, or not to be looked at: nobody is spoken with.
    return false;
  }
}

async function checkOwnDirectory(path: string): Promise<void> {
  if (!isOwn(await stat(path))) throw new Error(`others may write to ${path}`);
}

function isOwn(found: Stats): boolean {
  return isOwner(found) && (process.platform === 'win32' || (found.mode & 0o022) === 0);
}

/** A platform that has no user ids keeps a user's files apart by itself. */
function isOwner({ uid }: Stats): boolean {
  return process.getuid === undefined || uid === process.getuid();
}
