import type { SessionSettings, TurnError } from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';
import type { TurnCopies } from '../changes/folderCopies.ts';
import type { ServerNotification } from '../codex/generated/ServerNotification.ts';
import type { UserInput } from '../codex/generated/v2/UserInput.ts';
import type { CodexHost } from '../folders/codexHost.ts';
import type { Clock, Logger } from '../ports.ts';
import type { TaskStart } from './taskStart.ts';
import type { Threads } from './threads.ts';
import type { TurnMode } from './turnModes.ts';

/** The prompt must not run with the rights of a turn that another began: both are stopped. */
export const JOINED: TurnError = {
  code: 'SESSION_BUSY',
  message:
    'Somebody typed in the terminal at the same moment, so that both prompts became one turn with the rights of the terminal. It was stopped; send the prompt again.',
};

export interface TurnRunDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly codex: CodexHost;
  readonly threads: Threads;
  readonly copies: TurnCopies;
  readonly settings: BridgeSettings;
  /** Real path. */
  readonly folder: string;
  /** Where the turn works, where that is not the folder itself. Made by `copies` before the turn. */
  readonly cwd?: string;
  /** Resolves when no turn that others started runs in the session: `turn/start` would join it. */
  idle(): Promise<void>;
  /** Notifications that came while ours was being sent, and belong to a turn that others started. */
  notOurs(notifications: readonly ServerNotification[]): void;
  /**
   * `turn/start` came at the same moment as another's and joined their turn, with their rights: that turn is
   * theirs, with all that came of it.
   */
  joined(thread: string, codexTurn: string, notifications: readonly ServerNotification[]): void;
}

/** What a turn needs beside its prompt's text. */
export interface TurnInput {
  readonly input: readonly UserInput[];
  readonly settings: SessionSettings;
  readonly mode?: TurnMode;
  /** What is started instead of a prompt. */
  readonly task?: TaskStart;
}
