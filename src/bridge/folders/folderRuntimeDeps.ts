import type { SessionEvent } from '../../shared/events.ts';
import type { FolderInfo } from '../../shared/faces.ts';
import type { SessionId } from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';
import type { FolderCopies } from '../changes/folderCopies.ts';
import type { Previews } from '../changes/previews.ts';
import type { AppServer } from '../codex/appServer.ts';
import type { CodexBinary } from '../codex/findCodex.ts';
import type { Clock, HistoryStore, Logger } from '../ports.ts';
import type { SpawnPty } from '../terminal/pty.ts';

/** What the runtime of a folder is made of. */
export interface FolderRuntimeDeps {
  readonly info: FolderInfo;
  readonly history: HistoryStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: () => BridgeSettings;
  readonly env: NodeJS.ProcessEnv;
  readonly copies: FolderCopies;
  readonly previews: Previews;
  loadPty(): Promise<SpawnPty>;
  findCodex(): Promise<CodexBinary>;
  startCodex(binary: CodexBinary): Promise<AppServer>;
  /** Everything that happens to its sessions. */
  onEvent?(event: SessionEvent, session: SessionId): void;
}
