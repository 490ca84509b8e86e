import type { ErrorInfo } from '../shared/errors.ts';
import type { CodexStatus } from '../shared/faces.ts';
import type { LoginState } from '../shared/login.ts';
import type { ChatProblem } from '../shared/webview.ts';
import type { LinkState } from './bridgeLink.ts';
import { isMissing } from './folderCodex.ts';

interface WindowState {
  /** The window's folders. */
  readonly folders: number;
  readonly trusted: boolean;
  readonly remote: boolean;
  readonly link: LinkState;
  /** Why this window could not start. */
  readonly error: ErrorInfo | null;
  /** Of the folder that the chat is about. */
  readonly codex: CodexStatus | undefined;
  readonly history: ErrorInfo | undefined;
  readonly login: LoginState | null;
}

/** What stands in the way of the chat, the first thing first. */
export function chatProblem(window: WindowState): ChatProblem | null {
  const { link, codex, history } = window;
  if (window.folders === 0) return { kind: 'no_folder' };
  if (!window.trusted) return { kind: 'untrusted' };
  if (link.kind === 'connecting') return { kind: 'connecting' };
  if (link.kind === 'failed') {
    return link.retrying ? { kind: 'connecting' } : { kind: 'error', ...link.error };
  }
  if (window.error !== null && link.kind !== 'connected') return { kind: 'error', ...window.error };
  if (codex?.error !== undefined && isMissing(codex)) {
    const { code, message } = codex.error;
    return { kind: 'no_codex', tooOld: code === 'CODEX_TOO_OLD', message };
  }
  const { stopped, error } = codex ?? {};
  if (stopped === true && error !== undefined) return { kind: 'codex_stopped', ...error };
  if (codex?.loggedIn === false) {
    return { kind: 'logged_out', login: window.login, remote: window.remote };
  }
  // What is mended is told once, beside the chat.
  if (history === undefined || history.code === 'HISTORY_CORRUPT') return null;
  return { kind: 'history', ...history };
}
