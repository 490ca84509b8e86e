import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Disposable } from '../../shared/disposables.ts';
import { toDisposable } from '../../shared/disposables.ts';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import { writePrivate } from '../stateDirectory.ts';

/** What faces and the person's own tools read to find the bridge of a state directory. */
export interface Discovery {
  /** Version of the face contract. */
  readonly contract: number;
  readonly version: string;
  readonly pid: number;
  /** New at each start: tells a bridge from the one before it. */
  readonly instance: string;
  /** The private socket for faces. */
  readonly socket: string;
  /** With it the bridge proves to faces that it is the one that wrote this. */
  readonly key: string;
  /** The MCP endpoint for all folders. */
  readonly url: string;
  readonly token: string;
  /** Folder that the bridge runs from: it is not removed while it runs. */
  readonly runtime?: string;
}

/**
 * Writes `<state>/bridge.json`, whole and readable by its owner only; disposing removes it again, unless
 * another bridge has put its own there meanwhile.
 *
 * @throws BridgeError `STATE_DIR_UNUSABLE`
 */
export function publishDiscovery(stateDir: string, discovery: Discovery): Disposable {
  const file = join(stateDir, 'bridge.json');
  try {
    refuseForeign(file);
    writePrivate(file, `${JSON.stringify(discovery, undefined, 2)}\n`);
  } catch (error) {
    throw new BridgeError(
      'STATE_DIR_UNUSABLE',
      `${file} can't be written: ${messageOf(error)}. Make the directory writable, or point CODEX_BRIDGE_HOME elsewhere.`,
      { cause: error },
    );
  }
  return toDisposable(() => {
    if (isOurs(file, discovery.instance)) rmSync(file, { force: true });
  });
}

/** A file that another user has planted is not replaced silently: its owner owns the directory's trust. */
function refuseForeign(file: string): void {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined || process.getuid === undefined) return;
  if (stat.uid !== process.getuid()) throw new Error('it belongs to another user');
}

function isOurs(file: string, instance: string): boolean {
  try {
    if (!lstatSync(file).isFile()) return false;
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof found === 'object' && found !== null && 'instance' in found && found.instance === instance;
  } catch {
    // Gone, or no longer ours to judge: either way there is nothing to remove.
    return false;
  }
}
