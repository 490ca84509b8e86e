/**
 * Stable error codes. They are part of the contract: MCP results, the face contract and `--json` output
 * carry them, and scripts match on them. A code is never renamed, only added.
 */
export const ERROR_CODES = [
  // Bad input
  'INVALID_INPUT',
  'PROMPT_EMPTY',
  'PROMPT_TOO_LARGE',
  'ATTACHMENT_NOT_FOUND',
  'ATTACHMENT_OUTSIDE_FOLDER',
  'ATTACHMENT_TOO_LARGE',
  'FOLDER_UNKNOWN',
  'FOLDER_AMBIGUOUS',
  'FOLDER_NOT_FOUND',
  'SESSION_NOT_FOUND',
  'SESSION_ARCHIVED',
  'SESSION_BUSY',
  'TURN_NOT_FOUND',
  'TURN_NOT_RUNNING',
  'APPROVAL_NOT_FOUND',
  'CURSOR_INVALID',
  'RIGHTS_EXCEED_CEILING',
  'QUEUE_FULL',
  'IMPORT_INVALID',
  'CHANGE_NOT_FOUND',
  'CHANGE_EDITED_SINCE',
  'CHANGE_NOT_REVERTIBLE',
  'PREVIEW_FAILED',
  'TERMINAL_NOT_OPEN',
  'GIT_UNAVAILABLE',
  'REVISION_NOT_FOUND',
  'NOTHING_TO_DO',
  // Codex
  'CODEX_NOT_FOUND',
  'CODEX_TOO_OLD',
  'CODEX_LOGGED_OUT',
  'CODEX_START_FAILED',
  'CODEX_EXITED',
  'CODEX_PROTOCOL',
  'CODEX_TIMEOUT',
  'CODEX_REFUSED',
  'MODEL_ERROR',
  'TURN_TIMEOUT',
  'TERMINAL_UNAVAILABLE',
  // Other clients' configuration
  'CLIENT_NOT_FOUND',
  'CLIENT_CONFIG_UNUSABLE',
  'REGISTRATION_EXISTS',
  'REGISTRATION_FAILED',
  // The bridge itself
  'BRIDGE_RUNNING',
  'BRIDGE_NOT_RUNNING',
  'BRIDGE_START_FAILED',
  'BRIDGE_STOPPING',
  'BRIDGE_CONTRACT',
  'CONNECTION_CLOSED',
  'STATE_DIR_UNUSABLE',
  'SOCKET_PATH_TOO_LONG',
  'PORT_TAKEN',
  'HISTORY_UNAVAILABLE',
  'HISTORY_CORRUPT',
  'HISTORY_DAMAGED',
  'REQUEST_TIMEOUT',
  'CANCELLED',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What crosses a process border when something failed. */
export interface ErrorInfo {
  readonly code: ErrorCode;
  /** One or two sentences for the person: what happened and what to do next. English, unless {@link translated}. */
  readonly message: string;
  /** The extension made it, in the language that VS Code is shown in. */
  readonly translated?: boolean;
}

/** The one error type of the project: a stable code, and a message that says what to do next. */
export class BridgeError extends Error {
  override readonly name = 'BridgeError';
  readonly code: ErrorCode;
  /** See {@link ErrorInfo.translated}. */
  readonly translated: boolean;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; translated?: boolean }) {
    super(message, options);
    this.code = code;
    this.translated = options?.translated === true;
  }

  /** Rebuilds an error that came over a process border. */
  static from(info: ErrorInfo): BridgeError {
    return new BridgeError(info.code, info.message, { translated: info.translated === true });
  }
}

/** Any thrown value as {@link ErrorInfo}; what is not a {@link BridgeError} becomes `INTERNAL`. */
export function toErrorInfo(error: unknown): ErrorInfo {
  if (error instanceof BridgeError) {
    const { code, message, translated } = error;
    return { code, message, ...(translated ? { translated } : {}) };
  }
  return { code: 'INTERNAL', message: messageOf(error) };
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
