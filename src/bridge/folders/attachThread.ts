import { BridgeError } from '../../shared/errors.ts';
import type { LiveSession } from '../sessions/liveSession.ts';
import type { Threads } from '../sessions/threads.ts';
import { terminalCommand } from '../terminal/command.ts';
import type { AttachedThread } from '../terminal/terminals.ts';
import type { CodexHost } from './codexHost.ts';
import { requireSameFolder } from './containment.ts';

/** What Codex calls a thread until its first prompt names it. */
const UNTITLED = 'New session';

/**
 * Has the session's thread loaded, and on disk, so that a TUI can resume it too; a session without one gets it.
 *
 * @throws BridgeError `SESSION_ARCHIVED`, `FOLDER_NOT_FOUND`, `TERMINAL_UNAVAILABLE`, `CODEX_*`
 */
export async function attachThread(
  session: LiveSession,
  codex: CodexHost,
  threads: Threads,
  folder: string,
): Promise<AttachedThread> {
  if (session.head.archived) {
    throw new BridgeError(
      'SESSION_ARCHIVED',
      `The session ${session.id} is archived. Unarchive it, then open its terminal.`,
    );
  }
  requireSameFolder(folder);
  await codex.useNewest();
  const link = await codex.link();
  const { thread } = await threads.load(session, link);
  threads.rights.share();
  // A thread without turns is on disk only once it has a name; with one, the TUI makes no title for it by a
  // helper thread (seen with Codex 0.169).
  await link.client.call('thread/name/set', { threadId: thread, name: session.head.title || UNTITLED });
  const { attachment } = codex;
  if (attachment === undefined) {
    throw new BridgeError('CODEX_EXITED', 'Codex ended while the terminal was opened. Open it again.');
  }
  return { command: await terminalCommand(attachment, thread, folder), mark: attachment.mark };
}
