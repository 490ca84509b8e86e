import {
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server';
import { BridgeError } from '../../shared/errors.ts';
import type { SessionId } from '../../shared/session.ts';
import type { BridgeApi, FolderApi } from '../api.ts';
import type { Scope } from '../http/tokens.ts';
import { foldersOf } from './access.ts';
import { ABOUT } from './marked.ts';
import { summarize } from './summaries.ts';

/** The list of all sessions. */
export const SESSIONS_URI = 'codex://sessions';

/** What there is to read of one session. */
export type SessionPart = 'transcript' | 'diff' | 'screen';

/** Sessions in one page of `resources/list`. */
const PAGE = 50;
/** Sessions of each folder in {@link SESSIONS_URI}; the history tool has the rest. */
const LISTED = 200;
/** Characters of one resource: there are no pages here, and clients put a resource into a model's context whole. */
const MAX_TEXT = 400_000;

const JSON_TYPE = 'application/json';

const PARTS: Readonly<
  Record<SessionPart, { suffix: string; name: string; description: string; mimeType: string }>
> = {
  transcript: {
    suffix: '',
    name: 'session',
    description: 'The whole conversation of a session: prompts, answers, commands, changes.',
    mimeType: 'text/markdown',
  },
  diff: {
    suffix: '/diff',
    name: 'session-diff',
    description: 'What the turns of a session changed in the folder, as unified diffs.',
    mimeType: 'text/x-diff',
  },
  screen: {
    suffix: '/screen',
    name: 'session-screen',
    description: "The screen of a session's terminal, as text.",
    mimeType: 'text/plain',
  },
};

export function sessionUri(session: SessionId, part: SessionPart = 'transcript'): string {
  return `${SESSIONS_URI}/${session}${PARTS[part].suffix}`;
}

/** What may be read, and within which bounds. */
export interface Reading {
  readonly bridge: BridgeApi;
  readonly scope: Scope;
}

/** The list of sessions first, then the sessions themselves, folder by folder and the last used first. */
export function listResources(reading: Reading, cursor: string | undefined): ListResourcesResult {
  const folders = foldersOf(reading);
  const at = cursor === undefined ? { folder: 0 } : parseCursor(cursor);
  const folder = folders[at.folder];
  const head =
    cursor === undefined
      ? [
          {
            uri: SESSIONS_URI,
            name: 'sessions',
            title: 'Sessions of Codex',
            description: 'Every session with its title, state, tokens and times.',
            mimeType: JSON_TYPE,
          },
        ]
      : [];
  if (folder === undefined) return { resources: head };
  const page = listPage(folder, at.cursor);
  const next = nextCursor(at.folder, page.cursor, folders.length);
  const { name, description, mimeType } = PARTS.transcript;
  return {
    resources: [
      ...head,
      ...page.sessions.map((session) => ({
        uri: sessionUri(session.id),
        name: `${name}-${session.id}`,
        title: session.title === '' ? 'Untitled session' : session.title,
        description: `${description} Folder ${folder.info.name}, ${session.state}, ${session.turns} turns.`,
        mimeType,
        annotations: { lastModified: new Date(session.updatedAt).toISOString() },
      })),
    ],
    ...(next === undefined ? {} : { nextCursor: next }),
  };
}

export function listTemplates(): ListResourceTemplatesResult {
  return {
    resourceTemplates: Object.values(PARTS).map(({ suffix, name, description, mimeType }) => ({
      uriTemplate: `${SESSIONS_URI}/{session}${suffix}`,
      name,
      description,
      mimeType,
    })),
  };
}

/** @throws ResourceNotFoundError also for what the caller may not see */
export async function readResource(reading: Reading, uri: string): Promise<ReadResourceResult> {
  if (uri === SESSIONS_URI) {
    const text = JSON.stringify({ folders: foldersOf(reading).map((folder) => sessionsOf(reading, folder)) });
    return { contents: [{ uri, mimeType: JSON_TYPE, text }] };
  }
  const [, id, suffix = ''] = /^codex:\/\/sessions\/([^/]+)(\/(?:diff|screen))?$/.exec(uri) ?? [];
  const part = (Object.keys(PARTS) as SessionPart[]).find((one) => PARTS[one].suffix === suffix); // its own keys
  const folder = id === undefined ? undefined : folderOf(reading, id);
  if (id === undefined || part === undefined || folder === undefined) throw new ResourceNotFoundError(uri);
  const text = await textOf(folder, id, part);
  if (text === undefined) throw new ResourceNotFoundError(uri, `Session ${id} has no terminal open.`);
  const { mimeType } = PARTS[part];
  return { contents: [{ uri, mimeType, text: bounded(text, id), _meta: { about: ABOUT } }] };
}

/** For the completion of a template's or a prompt's `session`: those whose id or title has the text in it. */
export function completeSession(reading: Reading, typed: string): string[] {
  const wanted = typed.toLowerCase();
  return foldersOf(reading)
    .flatMap((folder) => folder.list({ limit: PAGE }).sessions)
    .filter(({ id, title }) => id.startsWith(typed) || title.toLowerCase().includes(wanted))
    .toSorted((a, b) => b.updatedAt - a.updatedAt)
    .map(({ id }) => id);
}

function sessionsOf({ bridge }: Reading, folder: FolderApi) {
  const { info } = folder;
  const page = folder.list({ limit: LISTED });
  return {
    folder: info.path,
    name: info.name,
    key: info.key,
    sessions: page.sessions.map((session) => ({
      uri: sessionUri(session.id),
      ...summarize(session, bridge.settings),
    })),
    ...(page.cursor === undefined ? {} : { more: 'There are more: call history with action "list".' }),
  };
}

function folderOf(reading: Reading, id: SessionId): FolderApi | undefined {
  return foldersOf(reading).find((folder) => {
    try {
      return folder.session(id) !== undefined;
    } catch (error) {
      if (error instanceof BridgeError && error.code === 'SESSION_NOT_FOUND') return false;
      throw error;
    }
  });
}

function textOf(folder: FolderApi, id: SessionId, part: SessionPart): Promise<string | undefined> {
  switch (part) {
    case 'transcript':
      return Promise.resolve(folder.exportSession(id, 'markdown'));
    case 'diff':
      return folder.diff(id);
    case 'screen':
      return folder.screen(id);
  }
}

/** The end is what is wanted of a long conversation. */
function bounded(text: string, id: SessionId): string {
  if (text.length <= MAX_TEXT) return text;
  const end = text.slice(text.indexOf('\n', text.length - MAX_TEXT) + 1);
  return `[${text.length - end.length} characters before this are left out. The history tool has all, in pages: action "export", session "${id}", format "markdown".]\n${end}`;
}

function listPage(folder: FolderApi, cursor: string | undefined) {
  try {
    return folder.list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
  } catch (error) {
    if (error instanceof BridgeError && error.code === 'CURSOR_INVALID') throw cursorInvalid();
    throw error;
  }
}

interface ListCursor {
  readonly folder: number;
  readonly cursor?: string;
}

function nextCursor(folder: number, cursor: string | undefined, folders: number): string | undefined {
  const next: ListCursor | undefined =
    cursor !== undefined ? { folder, cursor } : folder + 1 < folders ? { folder: folder + 1 } : undefined;
  return next === undefined ? undefined : Buffer.from(JSON.stringify(next)).toString('base64url');
}

function parseCursor(text: string): ListCursor {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof value !== 'object' || value === null || !('folder' in value)) throw cursorInvalid();
    const cursor = 'cursor' in value ? value.cursor : undefined;
    if (typeof value.folder !== 'number' || !Number.isInteger(value.folder)) throw cursorInvalid();
    if (cursor !== undefined && typeof cursor !== 'string') throw cursorInvalid();
    return { folder: value.folder, ...(cursor === undefined ? {} : { cursor }) };
  } catch {
    throw cursorInvalid();
  }
}

function cursorInvalid(): ProtocolError {
  return new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    'This cursor is not one of this list. List again without it.',
  );
}
