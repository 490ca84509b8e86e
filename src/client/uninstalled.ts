import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeError } from '../shared/errors.ts';
import { launcherFile } from './launcher.ts';

/** The file that says that the extension was uninstalled; installing it again removes the file. */
export function uninstalledNote(home: string): string {
  return join(home, 'uninstalled.json');
}

export function isUninstalled(home: string): boolean {
  return existsSync(uninstalledNote(home));
}

/**
 * Uninstalling leaves nothing running, so a client that is still registered must not start a bridge again.
 *
 * @throws BridgeError `BRIDGE_START_FAILED`
 */
export function refuseUninstalled(home: string): void {
  if (!isUninstalled(home)) return;
  throw new BridgeError(
    'BRIDGE_START_FAILED',
    `Codex Bridge was uninstalled. Remove what is registered with clients by "${launcherFile(home)} connect --remove", or install it again in VS Code.`,
  );
}
