import type { Disposable } from '../../shared/disposables.ts';
import type { McpMessage } from '../../shared/mcpChannel.ts';

/** Who wants to be connected through `codex-bridge attach`. */
export interface AttachRequest {
  /** Names the client's connection; stays when it comes back, to this bridge or the next. */
  readonly instance: string;
  /** Its working directory: the deepest known folder around it is the one that it gets. */
  readonly cwd?: string;
  /** The folder that it asked for by name, or had before; becomes known by that. */
  readonly folder?: string;
}

/** The way back to an attached client. */
export interface AttachedLine {
  send(message: McpMessage): void;
  /** True while it reads slower than we write: progress can wait. */
  congested(): boolean;
  /** The folder that contains the working directory has become known. */
  folderFound(path: string): void;
}

/** What a message of the client's is marked with, so that the same request sent again does nothing twice. */
export interface RequestMark {
  readonly key?: string;
  /** It was sent before, and its answer has not arrived. */
  readonly again?: boolean;
}

/** An MCP server for one attached client. Disposing ends its calls' waiting, never their turns. */
export interface AttachedChannel extends Disposable {
  /** Changes when the listed tools do. */
  readonly tools: string;
  /** Real path of the folder that it serves. */
  readonly folder: string | undefined;
  /** @throws BridgeError `QUEUE_FULL` */
  receive(message: McpMessage, mark: RequestMark): void;
  /** The client reads again. */
  drained(): void;
}

/** Opens channels for faces. */
export interface AttachDoor {
  /** @throws BridgeError `BRIDGE_STOPPING` */
  attach(request: AttachRequest, line: AttachedLine): Promise<AttachedChannel>;
}
