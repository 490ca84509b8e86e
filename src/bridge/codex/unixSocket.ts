import { createConnection } from 'node:net';
import { BridgeError } from '../../shared/errors.ts';
import type { Logger } from '../ports.ts';
import type { CodexTransport } from './transport.ts';
import { openWebSocket } from './webSocket.ts';

/** `sun_path` holds 108 bytes on Linux and 104 on macOS and the BSDs, with the closing NUL. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * Codex itself listens on longer paths, but nobody can connect to them.
 *
 * @throws BridgeError `SOCKET_PATH_TOO_LONG`
 */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_PATH_BYTES) return;
  throw new BridgeError(
    'SOCKET_PATH_TOO_LONG',
    `The socket ${path} has a path of ${bytes} bytes; ${MAX_PATH_BYTES} is the limit. Point CODEX_BRIDGE_HOME to a shorter directory.`,
  );
}

/**
 * `codex app-server --listen unix://PATH`: WebSocket over a Unix socket (mode 0600).
 *
 * @throws BridgeError `SOCKET_PATH_TOO_LONG`, `CODEX_START_FAILED`
 */
export async function connectUnixSocket(path: string, logger: Logger): Promise<CodexTransport> {
  checkSocketPath(path);
  // Not ws's own ws+unix URL, which knows neither spaces nor colons in a path.
  return openWebSocket({ url: 'ws://localhost/', connection: () => createConnection(path), logger });
}
