import { realpathSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BridgeError } from '../../shared/errors.ts';
import type { SessionId, TurnId } from '../../shared/session.ts';
import type { FolderApi } from '../api.ts';
import type { Session } from '../sessions/session.ts';
import type { ToolCall } from './call.ts';

/** The folders that a call may touch. */
export function foldersOf(call: Pick<ToolCall, 'bridge' | 'scope'>): readonly FolderApi[] {
  const { scope } = call;
  const folders = call.bridge.folders();
  return scope.kind === 'all' ? folders : folders.filter((folder) => folder.info.key === scope.folder);
}

/**
 * The folder that a call is about: the `folder` argument (path, key or name), the endpoint's own, the one of
 * the client's root, or the only one there is.
 *
 * @throws BridgeError `FOLDER_UNKNOWN`, `FOLDER_AMBIGUOUS`
 */
export async function resolveFolder(call: ToolCall, wanted: string | undefined): Promise<FolderApi> {
  const folders = foldersOf(call);
  if (wanted !== undefined) return namedFolder(folders, wanted);
  const [only] = folders;
  if (only === undefined) {
    throw new BridgeError(
      'FOLDER_UNKNOWN',
      'No folder is open in the bridge. Open one in VS Code, or start "codex-bridge serve --folder DIR".',
    );
  }
  if (folders.length === 1) return only;
  const rooted = folderOfRoots(folders, await call.roots());
  if (rooted !== undefined) return rooted;
  throw new BridgeError(
    'FOLDER_AMBIGUOUS',
    `Several folders are open: pass one of them as "folder". ${describe(folders)}`,
  );
}

function namedFolder(folders: readonly FolderApi[], wanted: string): FolderApi {
  const exact = folders.find(({ info }) => info.key === wanted || info.path === wanted);
  if (exact !== undefined) return exact;
  const named = folders.filter(({ info }) => info.name === wanted);
  if (named.length === 1 && named[0] !== undefined) return named[0];
  if (named.length > 1) {
    throw new BridgeError(
      'FOLDER_AMBIGUOUS',
      `Several folders are named "${wanted}": pass the path or key. ${describe(named)}`,
    );
  }
  const real = isAbsolute(wanted) ? realPath(wanted) : undefined;
  const found = real === undefined ? undefined : folders.find(({ info }) => info.path === real);
  if (found !== undefined) return found;
  throw new BridgeError('FOLDER_UNKNOWN', `No open folder is "${clip(wanted)}". ${describe(folders)}`);
}

/** The folder of the first root that leads to exactly one: the deepest around it, else the only one inside. */
export function folderOfRoots(
  folders: readonly FolderApi[],
  roots: readonly string[],
): FolderApi | undefined {
  for (const root of roots) {
    const around = folders.filter(({ info }) => contains(info.path, root));
    const deepest = around.toSorted((a, b) => b.info.path.length - a.info.path.length)[0];
    if (deepest !== undefined) return deepest;
    const inside = folders.filter(({ info }) => contains(root, info.path));
    if (inside.length === 1) return inside[0];
  }
  return undefined;
}

/** `file:` URIs as real paths; whatever else a client calls a root is passed over. */
export function rootPaths(uris: readonly string[]): string[] {
  return uris.flatMap((uri) => {
    if (!URL.canParse(uri) || new URL(uri).protocol !== 'file:') return [];
    try {
      const path = fileURLToPath(uri);
      return [realPath(path) ?? path];
    } catch {
      // A file: URI of another machine or platform names no path here.
      return [];
    }
  });
}

/**
 * A session within the call's scope, and in `folder` where that is given.
 *
 * @throws BridgeError `SESSION_NOT_FOUND`, also for a session that the caller may not see
 */
export async function resolveSession(
  call: ToolCall,
  id: SessionId,
  folder?: string,
): Promise<{ folder: FolderApi; session: Session }> {
  const { scope, bridge } = call;
  const home = scope.kind === 'folder' ? bridge.folder(scope.folder) : bridge.folderOfSession(id);
  const session = home.session(id);
  if (folder !== undefined && (await resolveFolder(call, folder)) !== home) throw sessionNotFound(id);
  return { folder: home, session };
}

/**
 * The session of a turn, within the call's scope.
 *
 * @throws BridgeError `TURN_NOT_FOUND`, also for a turn that the caller may not see
 */
export function resolveTurn(
  call: Pick<ToolCall, 'bridge' | 'scope'>,
  turn: TurnId,
): { folder: FolderApi; session: Session } {
  for (const folder of foldersOf(call)) {
    try {
      return { folder, session: folder.sessionOfTurn(turn) };
    } catch (error) {
      if (!(error instanceof BridgeError && error.code === 'TURN_NOT_FOUND')) throw error;
    }
  }
  throw new BridgeError(
    'TURN_NOT_FOUND',
    `There is no turn "${clip(turn)}". Take the "turn" that ask, chat_msg or status gave back.`,
  );
}

/**
 * The session that a call names by one of its turns, or by itself.
 *
 * @throws BridgeError `INVALID_INPUT`, `TURN_NOT_FOUND`, `SESSION_NOT_FOUND`
 */
export async function resolveTarget(
  call: ToolCall,
  args: { readonly turn?: TurnId | undefined; readonly session?: SessionId | undefined },
): Promise<Session> {
  if (args.turn !== undefined) {
    const { session } = resolveTurn(call, args.turn);
    if (args.session === undefined || args.session === session.id) return session;
    throw new BridgeError('TURN_NOT_FOUND', `The turn does not belong to session "${clip(args.session)}".`);
  }
  if (args.session !== undefined) return (await resolveSession(call, args.session)).session;
  throw new BridgeError('INVALID_INPUT', 'Pass "turn" or "session".');
}

export function sessionNotFound(id: string): BridgeError {
  return new BridgeError(
    'SESSION_NOT_FOUND',
    `There is no session "${clip(id)}". List them with history (action "list"), or leave "session" out to start one.`,
  );
}

function describe(folders: readonly FolderApi[]): string {
  if (folders.length === 0) return 'None is open.';
  const list = folders.map(({ info }) => `${info.path} (key ${info.key}, name "${info.name}")`);
  return `Open: ${list.join('; ')}.`;
}

function contains(outer: string, inner: string): boolean {
  const rest = relative(outer, inner);
  return rest === '' || (rest !== '..' && !rest.startsWith(`..${sep}`) && !isAbsolute(rest));
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    // Nothing is there, so it is no folder of ours either.
    return undefined;
  }
}

function clip(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
