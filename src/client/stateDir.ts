import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { BridgeError } from '../shared/errors.ts';

/**
 * The state directory: `CODEX_BRIDGE_HOME`, else the platform's own place for a user's state. There is one
 * bridge for each.
 *
 * @throws BridgeError `STATE_DIR_UNUSABLE` for a relative `CODEX_BRIDGE_HOME`.
 */
export function stateDir(env: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const wanted = env['CODEX_BRIDGE_HOME'];
  if (wanted !== undefined && wanted !== '') {
    if (isAbsolute(wanted)) return wanted;
    throw new BridgeError(
      'STATE_DIR_UNUSABLE',
      `CODEX_BRIDGE_HOME must be an absolute path, and is "${wanted}". Correct or unset it.`,
    );
  }
  const home = homedir();
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'codex-bridge');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'codex-bridge');
  return join(env['XDG_STATE_HOME'] ?? join(home, '.local', 'state'), 'codex-bridge');
}
