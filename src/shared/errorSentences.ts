import type { ErrorCode, ErrorInfo } from './errors.ts';
import { english, type Translate } from './l10n.ts';

/** What each code means and what to do, for people who read another language than an error's own English. */
const SENTENCES: Readonly<Record<ErrorCode, (t: Translate) => string>> = {
  INVALID_INPUT: (t) => t('Something that was given is missing or wrong. Correct it, then try again.'),
  PROMPT_EMPTY: (t) => t('The prompt has no text. Write one.'),
  PROMPT_TOO_LARGE: (t) => t('The prompt is too long. Shorten it, or attach a file.'),
  ATTACHMENT_NOT_FOUND: (t) => t('What was to be attached is not there. Choose it again.'),
  ATTACHMENT_OUTSIDE_FOLDER: (t) =>
    t('What was to be attached is not in the folder. Copy it there, or paste its text.'),
  ATTACHMENT_TOO_LARGE: (t) => t('An attachment is too large. Attach a part of it.'),
  FOLDER_UNKNOWN: (t) => t('The folder is not open, or not trusted. Open and trust it, then try again.'),
  FOLDER_AMBIGUOUS: (t) => t('There are several folders. Choose one.'),
  FOLDER_NOT_FOUND: (t) => t('The folder is not there. Check its path.'),
  SESSION_NOT_FOUND: (t) => t('There is no such session. Choose another one, or start a new one.'),
  SESSION_ARCHIVED: (t) => t('The session is archived. Take it back from the archive, or fork it.'),
  SESSION_BUSY: (t) => t('A turn of the session is running. Wait for it, or stop it.'),
  TURN_NOT_FOUND: (t) => t('There is no such turn.'),
  TURN_NOT_RUNNING: (t) => t('The turn has ended. Send a new prompt.'),
  APPROVAL_NOT_FOUND: (t) => t('The question was answered already, or its turn has ended.'),
  CURSOR_INVALID: (t) => t('The place to go on from is gone. Start again from the beginning.'),
  RIGHTS_EXCEED_CEILING: (t) =>
    t('This needs more rights than your settings allow. Ask for less, or raise the ceiling in the settings.'),
  QUEUE_FULL: (t) => t('Too many prompts are waiting. Wait for some, or cancel some.'),
  IMPORT_INVALID: (t) => t('This is no export of Codex Bridge, or it is damaged. Export again.'),
  CHANGE_NOT_FOUND: (t) => t('The turn has no such change. Look at its list of changes.'),
  CHANGE_EDITED_SINCE: (t) =>
    t('The file was changed since, so nothing was written. Revert what is still there, or do it by hand.'),
  CHANGE_NOT_REVERTIBLE: (t) =>
    t('There is no copy of what was before. Take the file from version control or a backup.'),
  PREVIEW_FAILED: (t) =>
    t('No preview could be made or applied. Ignore what is generated, free space, or work in the folder.'),
  TERMINAL_NOT_OPEN: (t) => t('The terminal is not open, or has ended. Open it again.'),
  GIT_UNAVAILABLE: (t) => t('Git can not be used here. Install it, or make the folder a repository.'),
  REVISION_NOT_FOUND: (t) => t('Git knows no such branch or commit. Choose another one.'),
  NOTHING_TO_DO: (t) => t('There is nothing to do. Make a change or write a prompt first.'),
  CODEX_NOT_FOUND: (t) => t('Codex was not found. Install it, or set its path in the settings.'),
  CODEX_TOO_OLD: (t) => t('Codex is too old. Update it.'),
  CODEX_LOGGED_OUT: (t) => t('Codex is not signed in. Sign in, then try again.'),
  CODEX_START_FAILED: (t) => t('Codex did not start. "Run Doctor" tells why.'),
  CODEX_EXITED: (t) =>
    t('Codex ended in the middle of something. Send the prompt again; the session goes on.'),
  CODEX_PROTOCOL: (t) => t('Codex said something that is not understood. Update Codex or Codex Bridge.'),
  CODEX_TIMEOUT: (t) => t('Codex did not answer in time. Try again, or restart it.'),
  CODEX_REFUSED: (t) => t('Codex refused this. It says why:'),
  MODEL_ERROR: (t) => t('The model failed or refused. Try again, or check the provider and your limits.'),
  TURN_TIMEOUT: (t) =>
    t(
      'The turn took too long and was interrupted. Raise the limit in the settings, or ask for less at once.',
    ),
  TERMINAL_UNAVAILABLE: (t) =>
    t("There can be no terminal here. Open the session in VS Code's own terminal."),
  CLIENT_NOT_FOUND: (t) => t('The client was not found. Install it, or choose another scope.'),
  CLIENT_CONFIG_UNUSABLE: (t) =>
    t("The client's configuration can not be used; nothing was written. Correct it, then try again."),
  REGISTRATION_EXISTS: (t) =>
    t('The client has another server under our name. Rename or remove that one, then try again.'),
  REGISTRATION_FAILED: (t) => t("The client's own command failed. It says why:"),
  BRIDGE_RUNNING: (t) => t('A bridge is running already. Join it, or stop it.'),
  BRIDGE_NOT_RUNNING: (t) => t('No bridge is running. Try again to start it.'),
  BRIDGE_START_FAILED: (t) => t('The bridge did not start. The log tells why.'),
  BRIDGE_STOPPING: (t) => t('The bridge is about to leave. Try again in a moment.'),
  BRIDGE_CONTRACT: (t) =>
    t('This window and the bridge are of different versions. Reload the window, or stop the bridge.'),
  CONNECTION_CLOSED: (t) => t('The connection to the bridge was lost. Try again; turns go on without it.'),
  STATE_DIR_UNUSABLE: (t) => t('The folder for the state can not be used. Correct its permissions.'),
  SOCKET_PATH_TOO_LONG: (t) =>
    t('The path of a socket would be too long. Set CODEX_BRIDGE_HOME or TMPDIR to a shorter one.'),
  PORT_TAKEN: (t) => t('Another program uses the port. Choose another one in the settings.'),
  HISTORY_UNAVAILABLE: (t) =>
    t('The disk refused to read or write the history. Free space, or correct permissions.'),
  HISTORY_CORRUPT: (t) => t('The history was damaged and was set aside. Nothing has to be done.'),
  HISTORY_DAMAGED: (t) =>
    t('The history is damaged in places. Restart the bridge to have it mended; what can be read is kept.'),
  REQUEST_TIMEOUT: (t) => t('This took too long. Try again.'),
  CANCELLED: (t) => t('This was cancelled.'),
  INTERNAL: (t) => t('Something went wrong in Codex Bridge itself. Please report it with the log.'),
};

/** An error to be shown; a newer bridge may have codes that are not known here. */
export interface AnyError extends Omit<ErrorInfo, 'code'> {
  readonly code: string;
}

/** An error as it is shown. */
export interface ShownError {
  readonly text: string;
  /** The error's own English, which knows more than its code does; absent where `text` is that. */
  readonly detail?: string;
}

/**
 * An error in the person's language: what its code says, with its own words beside it. Where there is no
 * translation, and for a code of a newer bridge, its own words are all.
 */
export function shownError({ code, message, translated }: AnyError, t: Translate): ShownError {
  const known = translated !== true && Object.hasOwn(SENTENCES, code);
  const sentence = known ? SENTENCES[code as ErrorCode] : undefined; // it was just looked up
  const text = sentence?.(t);
  return text === undefined || text === sentence?.(english) ? { text: message } : { text, detail: message };
}

/** The same in one piece, for where there is one line. */
export function errorText(error: AnyError, t: Translate): string {
  const { text, detail } = shownError(error, t);
  return detail === undefined ? text : `${text} (${detail})`;
}
